// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Question} from "../libraries/Question.sol";
import {Burn} from "../settle/Burn.sol";
import {ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Answers} from "./Answers.sol";

/// @title A final answer, taken again by others with the same question.
/// @dev Nothing is stored for it, neither when an answer becomes final nor here: who reuses an answer says which.
abstract contract Reuse is Answers {
    /// @inheritdoc ISuretyOracle
    function reuse(RequestId requestId, bytes32 question, bytes calldata output) external payable nonReentrant {
        if (msg.sender.code.length == 0) revert NotAConsumer(msg.sender);
        StoredRequest storage request = _request(requestId);
        if (request.status != RequestStatus.Final) revert WrongStatus(request.status, RequestStatus.Final);
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        // INVARIANT: a reorg cannot make the answer to another question of a consumer's.
        Question.requireNamed(question, modelId, request.inputRoot);
        StoredAssertion storage assertion = _assertions[_assertionId(requestId, request.attempt)];
        _requireOutput(request, assertion.outputRoot, output);
        uint256 feeWei = quoteReuse();
        if (msg.value < feeWei) revert FeeTooLow(msg.value, feeWei);

        address poster = assertion.poster;
        _credit(poster, feeWei);
        _credit(msg.sender, msg.value - feeWei);
        emit Reused(requestId, msg.sender, poster, feeWei);

        // The caller's own call and gas: nothing waits for it, so it needs no limits.
        IInferenceCallback(msg.sender).onInference(requestId, output);
    }

    /// @inheritdoc ISuretyOracle
    function quoteReuse() public view returns (uint256 feeWei) {
        return uint256(BASE_FEE_WEI) * REUSE_FEE_BPS / Burn.BPS;
    }
}
