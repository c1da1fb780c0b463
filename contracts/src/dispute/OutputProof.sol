// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MerkleTree} from "../libraries/MerkleTree.sol";
import {ModelOutput} from "../types/SuretyTypes.sol";

/// @title Shows that a model's output tensors stand in a trace (docs/exact-profile.md, section 4: multiproof).
/// @dev Work is bounded by the registry's limit on outputs and by the trace's height.
library OutputProof {
    /// @notice Whether `roots`, in the model's order, are the tensor roots of the instructions that `outputs` name.
    /// @param proof The multiproof of those instructions in increasing order, each once.
    function verify(
        bytes32 traceRoot,
        uint256 height,
        ModelOutput[] calldata outputs,
        bytes32[] calldata roots,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        if (roots.length != outputs.length) return false;
        (bool consistent, uint256 count, uint256[] memory positions, bytes32[] memory hashes) = _sorted(outputs, roots);
        if (!consistent) return false;

        uint256 used = 0;
        for (uint256 level = 0; level < height; ++level) {
            uint256 to = 0;
            for (uint256 i = 0; i < count; ++to) {
                uint256 position = positions[i];
                bytes32 hash = hashes[i++];
                if (position & 1 == 0 && i < count && positions[i] == position + 1) {
                    hash = MerkleTree.node(hash, hashes[i++]);
                } else {
                    if (used == proof.length) return false;
                    bytes32 sibling = proof[used++];
                    hash = position & 1 == 0 ? MerkleTree.node(hash, sibling) : MerkleTree.node(sibling, hash);
                }
                positions[to] = position >> 1;
                hashes[to] = hash;
            }
            count = to;
        }
        return used == proof.length && positions[0] == 0 && hashes[0] == traceRoot;
    }

    /// @dev The outputs in increasing instruction order, each instruction once. Inconsistent when one instruction would have two roots.
    function _sorted(ModelOutput[] calldata outputs, bytes32[] calldata roots)
        private
        pure
        returns (bool consistent, uint256 count, uint256[] memory positions, bytes32[] memory hashes)
    {
        positions = new uint256[](outputs.length);
        hashes = new bytes32[](outputs.length);
        for (uint256 i = 0; i < outputs.length; ++i) {
            uint256 position = outputs[i].instruction;
            uint256 place = count;
            while (place > 0 && positions[place - 1] > position) --place;
            if (place > 0 && positions[place - 1] == position) {
                if (hashes[place - 1] != roots[i]) return (false, 0, positions, hashes);
                continue;
            }
            for (uint256 j = count; j > place; --j) {
                positions[j] = positions[j - 1];
                hashes[j] = hashes[j - 1];
            }
            positions[place] = position;
            hashes[place] = roots[i];
            ++count;
        }
        consistent = true;
    }
}
