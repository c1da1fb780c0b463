// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IOracleExtension} from "../interfaces/IOracleExtension.sol";
import {Question} from "../libraries/Question.sol";
import {ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Settling} from "./Settling.sol";

/// @title A final answer, taken again by others with the same question.
/// @dev Nothing is stored for it, neither when an answer becomes final nor here: who reuses an answer says which.
abstract contract Reuse is IOracleExtension, Settling {
    /// @inheritdoc IOracleExtension
    function reuse(RequestId requestId, bytes32 question, bytes calldata output, address feeToken)
        external
        payable
        nonReentrant
    {
        if (msg.sender.code.length == 0) revert NotAConsumer(msg.sender);
        StoredRequest storage request = _request(requestId);
        if (request.status != RequestStatus.Final) revert WrongStatus(request.status, RequestStatus.Final);
        // INVARIANT: only who chose a verifier relies on its word. A batch's items are proven by anyone, for nothing (`isItem`).
        if (_verifiers[requestId] != address(0) || request.itemCount != 1) revert NotReusable(requestId);
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        // INVARIANT: a reorg cannot make the answer to another question of a consumer's.
        Question.requireNamed(question, modelId, request.inputRoot);
        StoredAssertion storage assertion = _assertions[_assertionId(requestId, request.attempt)];
        _requireOutput(request, assertion.outputRoot, output);
        uint8 feeTokenNumber = _feeTokenNumber(feeToken);
        uint256 fee = quoteReuse(feeToken);

        _takeNative(feeTokenNumber, fee);
        address poster = assertion.poster;
        _creditFee(feeTokenNumber, poster, fee);
        emit Reused(requestId, msg.sender, poster, feeToken, fee);

        if (feeTokenNumber != 0) _collectToken(feeToken, msg.sender, fee);
        // The caller's own call and gas: nothing waits for it, so it needs no limits.
        IInferenceCallback(msg.sender).onInference(requestId, output);
    }
}
