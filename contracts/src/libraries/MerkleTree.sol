// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Commitments: keccak256 Merkle trees over 256-byte leaves (docs/exact-profile.md, section 4).
/// @dev Every function works in memory past the free pointer and allocates nothing.
library MerkleTree {
    /// @notice Bytes of a leaf; a tensor's last leaf may be shorter.
    uint256 internal constant LEAF_BYTES = 256;

    /// @notice Thrown when a tree over nothing is asked for.
    error EmptyTree();
    /// @notice Thrown when the children of a node are not a power of two in number.
    error NotAPowerOfTwo(uint256 count);

    /// @notice leaf(data) = keccak256(0x00 | data), of any length.
    function leaf(bytes calldata data) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0)
            calldatacopy(add(free, 1), data.offset, data.length)
            hash := keccak256(free, add(data.length, 1))
        }
    }

    /// @notice node(l, r) = keccak256(0x01 | l | r); 0 when both are 0, so that padding needs no hashing.
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            if or(left, right) {
                let free := mload(0x40)
                mstore8(free, 1)
                mstore(add(free, 1), left)
                mstore(add(free, 33), right)
                hash := keccak256(free, 65)
            }
        }
    }

    /// @notice Root of a tensor whose bytes are in calldata.
    function tensorRoot(bytes calldata data) internal pure returns (bytes32 root) {
        if (data.length == 0) revert EmptyTree();
        assembly ("memory-safe") {
            // free: 0x00 | leaf while hashing leaves; the leaf hashes stand 320 bytes further on.
            let free := mload(0x40)
            let hashes := add(free, 320)
            let end := hashes
            mstore8(free, 0)
            for { let cursor := 0 } lt(cursor, data.length) { cursor := add(cursor, 256) } {
                let size := sub(data.length, cursor)
                if gt(size, 256) { size := 256 }
                calldatacopy(add(free, 1), add(data.offset, cursor), size)
                mstore(end, keccak256(free, add(size, 1)))
                end := add(end, 32)
            }
            mstore8(free, 1)
            for {} gt(sub(end, hashes), 32) {} {
                // An odd last node pairs with padding.
                mstore(end, 0)
                let to := hashes
                for { let from := hashes } lt(from, end) { from := add(from, 64) } {
                    mcopy(add(free, 1), from, 64)
                    mstore(to, keccak256(free, 65))
                    to := add(to, 32)
                }
                end := to
            }
            root := mload(hashes)
        }
    }

    /// @notice Root over 2^k nodes of one level (a node's revealed descendants, or the top of a tree).
    function foldChildren(bytes32[] calldata nodes) internal pure returns (bytes32 root) {
        uint256 count = nodes.length;
        if (count == 0 || count & (count - 1) != 0) revert NotAPowerOfTwo(count);
        assembly ("memory-safe") {
            let free := mload(0x40)
            let hashes := add(free, 96)
            calldatacopy(hashes, nodes.offset, mul(count, 32))
            mstore8(free, 1)
            for {} gt(count, 1) {} {
                let to := hashes
                let end := add(hashes, mul(count, 32))
                for { let from := hashes } lt(from, end) { from := add(from, 64) } {
                    let hash := 0
                    if or(mload(from), mload(add(from, 32))) {
                        mcopy(add(free, 1), from, 64)
                        hash := keccak256(free, 65)
                    }
                    mstore(to, hash)
                    to := add(to, 32)
                }
                count := shr(1, count)
            }
            root := mload(hashes)
        }
    }

    /// @notice keccak256(0x02 | root_0 | root_1 ...): an ordered list of tensor roots.
    function listHash(bytes32[] calldata roots) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := mul(roots.length, 32)
            mstore8(free, 2)
            calldatacopy(add(free, 1), roots.offset, size)
            hash := keccak256(free, add(size, 1))
        }
    }

    /// @notice listHash of roots in memory.
    function listHashMemory(bytes32[] memory roots) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := mul(mload(roots), 32)
            mstore8(free, 2)
            mcopy(add(free, 1), add(roots, 32), size)
            hash := keccak256(free, add(size, 1))
        }
    }

    /// @notice Root of the tree over a list of hashes, padded with zeros to the next power of two. Overwrites the list.
    function treeRoot(bytes32[] memory hashes) internal pure returns (bytes32) {
        uint256 count = hashes.length;
        if (count == 0) revert EmptyTree();
        for (; count > 1; count = (count + 1) / 2) {
            for (uint256 i = 0; i < count; i += 2) {
                hashes[i / 2] = node(hashes[i], i + 1 < count ? hashes[i + 1] : bytes32(0));
            }
        }
        return hashes[0];
    }

    /// @notice ceil(log2 count): the height of a tree over `count` hashes; 0 for none or one.
    function heightOf(uint256 count) internal pure returns (uint256 height) {
        while (height < 255 && (uint256(1) << height) < count) ++height;
    }

    /// @notice Leaves of a tensor of `tensorBytes` bytes.
    function leafCount(uint256 tensorBytes) internal pure returns (uint256) {
        return tensorBytes / LEAF_BYTES + (tensorBytes % LEAF_BYTES == 0 ? 0 : 1);
    }

    /// @notice Height of the tree of a tensor of `tensorBytes` bytes.
    function tensorHeight(uint256 tensorBytes) internal pure returns (uint256) {
        return heightOf(leafCount(tensorBytes));
    }

    /// @notice Whether `hash` stands at `position` of the lowest level of the tree of height `height` with root `root`.
    function verifyPath(bytes32 root, uint256 height, uint256 position, bytes32 hash, bytes32[] calldata proof)
        internal
        pure
        returns (bool)
    {
        if (proof.length != height || position >> height != 0) return false;
        for (uint256 level = 0; level < height; ++level) {
            hash = position & 1 == 0 ? node(hash, proof[level]) : node(proof[level], hash);
            position >>= 1;
        }
        return hash == root;
    }

    /// @notice Whether `data` is exactly the leaves `leaves` (strictly increasing) of the tensor of `tensorBytes` bytes with root `root`.
    /// @param data The leaves' bytes one after the other, 256 each, the tensor's last leaf perhaps shorter.
    /// @param proof The multiproof of section 4; every hash must be used.
    function verifyLeaves(
        bytes32 root,
        uint256 tensorBytes,
        uint32[] calldata leaves,
        bytes calldata data,
        bytes32[] calldata proof
    ) internal pure returns (bool valid) {
        uint256 total = leafCount(tensorBytes);
        uint256 height = heightOf(total);
        assembly ("memory-safe") {
            // free: 0x00 | leaf, later 0x01 | l | r. From 320 on: (position, hash) pairs of the known nodes of a level.
            let free := mload(0x40)
            let nodes := add(free, 320)
            let end := nodes
            let count := leaves.length
            valid := iszero(iszero(count))
            mstore8(free, 0)
            let cursor := data.offset
            let dataEnd := add(cursor, data.length)
            let next := 0 // the smallest position that may come
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                let position := calldataload(add(leaves.offset, mul(i, 32)))
                // Dirty upper bits of a leaf number are out of range as well.
                if or(lt(position, next), iszero(lt(position, total))) {
                    valid := 0
                    break
                }
                next := add(position, 1)
                let size := 256
                if eq(next, total) { size := sub(tensorBytes, mul(position, 256)) }
                if gt(size, sub(dataEnd, cursor)) {
                    valid := 0
                    break
                }
                calldatacopy(add(free, 1), cursor, size)
                cursor := add(cursor, size)
                mstore(end, position)
                mstore(add(end, 32), keccak256(free, add(size, 1)))
                end := add(end, 64)
            }
            if sub(cursor, dataEnd) { valid := 0 }

            let from := proof.offset
            let proofEnd := add(from, mul(proof.length, 32))
            mstore8(free, 1)
            if valid {
                for {} height { height := sub(height, 1) } {
                    let to := nodes
                    for { let i := nodes } lt(i, end) {} {
                        let position := mload(i)
                        let hash := mload(add(i, 32))
                        i := add(i, 64)
                        switch and(position, 1)
                        case 0 {
                            mstore(add(free, 1), hash)
                            switch and(lt(i, end), eq(mload(i), add(position, 1)))
                            case 1 {
                                mstore(add(free, 33), mload(add(i, 32)))
                                i := add(i, 64)
                            }
                            default {
                                if eq(from, proofEnd) {
                                    valid := 0
                                    break
                                }
                                mstore(add(free, 33), calldataload(from))
                                from := add(from, 32)
                            }
                        }
                        default {
                            if eq(from, proofEnd) {
                                valid := 0
                                break
                            }
                            mstore(add(free, 1), calldataload(from))
                            mstore(add(free, 33), hash)
                            from := add(from, 32)
                        }
                        // A known node descends from a leaf's hash, which is never 0: the zero rule cannot apply.
                        mstore(to, shr(1, position))
                        mstore(add(to, 32), keccak256(free, 65))
                        to := add(to, 64)
                    }
                    if iszero(valid) { break }
                    end := to
                }
            }
            // The loop leaves one node, at position 0.
            valid := and(valid, and(eq(from, proofEnd), eq(mload(add(nodes, 32)), root)))
        }
    }
}
