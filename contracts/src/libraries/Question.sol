// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ModelId, QuestionMismatch} from "../types/SuretyTypes.sol";

/// @title A question: a model and an input, whatever number its request has.
library Question {
    /// @notice keccak256(abi.encode(modelId, inputRoot)).
    function hash(ModelId modelId, bytes32 inputRoot) internal pure returns (bytes32) {
        return keccak256(abi.encode(modelId, inputRoot));
    }

    /// @notice The same of so many inputs: of one as above, of more keccak256(abi.encode(modelId, inputRoot, itemCount)), so that nobody can ask for
    /// one input and name a batch's root.
    function hash(ModelId modelId, bytes32 inputRoot, uint256 itemCount) internal pure returns (bytes32) {
        if (itemCount == 1) return hash(modelId, inputRoot);
        return keccak256(abi.encode(modelId, inputRoot, itemCount));
    }

    /// @notice Reverts unless `named` is the question of this model and input.
    function requireNamed(bytes32 named, ModelId modelId, bytes32 inputRoot) internal pure {
        requireNamed(named, modelId, inputRoot, 1);
    }

    /// @notice Reverts unless `named` is the question of this model and so many inputs.
    function requireNamed(bytes32 named, ModelId modelId, bytes32 inputRoot, uint256 itemCount) internal pure {
        bytes32 expected = hash(modelId, inputRoot, itemCount);
        if (named != expected) revert QuestionMismatch(named, expected);
    }
}
