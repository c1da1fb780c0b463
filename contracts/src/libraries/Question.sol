// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ModelId, QuestionMismatch} from "../types/SuretyTypes.sol";

/// @title A question: a model and an input, whatever number its request has.
library Question {
    /// @notice keccak256(abi.encode(modelId, inputRoot)).
    function hash(ModelId modelId, bytes32 inputRoot) internal pure returns (bytes32) {
        return keccak256(abi.encode(modelId, inputRoot));
    }

    /// @notice Reverts unless `named` is the question of this model and input.
    function requireNamed(bytes32 named, ModelId modelId, bytes32 inputRoot) internal pure {
        bytes32 expected = hash(modelId, inputRoot);
        if (named != expected) revert QuestionMismatch(named, expected);
    }
}
