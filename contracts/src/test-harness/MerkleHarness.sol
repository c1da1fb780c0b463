// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MerkleTree} from "../libraries/MerkleTree.sol";

/// @title `MerkleTree` from outside: only for tests, never deployed.
contract MerkleHarness {
    function leaf(bytes calldata data) external pure returns (bytes32) {
        return MerkleTree.leaf(data);
    }

    function node(bytes32 left, bytes32 right) external pure returns (bytes32) {
        return MerkleTree.node(left, right);
    }

    function tensorRoot(bytes calldata data) external pure returns (bytes32) {
        return MerkleTree.tensorRoot(data);
    }

    function foldChildren(bytes32[] calldata nodes) external pure returns (bytes32) {
        return MerkleTree.foldChildren(nodes);
    }

    function listHash(bytes32[] calldata roots) external pure returns (bytes32, bytes32) {
        return (MerkleTree.listHash(roots), MerkleTree.listHashMemory(roots));
    }

    function heightOf(uint256 count) external pure returns (uint256) {
        return MerkleTree.heightOf(count);
    }

    function tensorHeight(uint256 tensorBytes) external pure returns (uint256) {
        return MerkleTree.tensorHeight(tensorBytes);
    }

    function verifyPath(bytes32 root, uint256 height, uint256 position, bytes32 hash, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return MerkleTree.verifyPath(root, height, position, hash, proof);
    }

    function verifyLeaves(
        bytes32 root,
        uint256 tensorBytes,
        uint32[] calldata leaves,
        bytes calldata data,
        bytes32[] calldata proof
    ) external pure returns (bool) {
        return MerkleTree.verifyLeaves(root, tensorBytes, leaves, data, proof);
    }
}
