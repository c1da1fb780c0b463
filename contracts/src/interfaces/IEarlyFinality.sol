// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssertionId, ModelId} from "../types/SuretyTypes.sol";

/// @title A verifier by whose word an answer may become final before its challenge window is over.
/// @notice Whoever chooses one for a request trusts it instead of the window: a wrong yes cannot be disputed any more.
interface IEarlyFinality {
    /// @notice What is to become final.
    struct Answer {
        AssertionId assertionId;
        ModelId modelId;
        /// keccak256(abi.encode(modelId, inputRoot)).
        bytes32 question;
        /// List hash of the output tensors' roots.
        bytes32 outputRoot;
        address poster;
    }

    /// @notice Whether the proof shows that the answer is right. Called by the oracle with 2,000,000 gas at most; whatever is not
    /// exactly one word that says true counts as no.
    function allows(Answer calldata answer, bytes calldata proof) external view returns (bool);
}
