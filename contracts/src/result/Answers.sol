// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Question} from "../libraries/Question.sol";
import {OracleStore} from "../request/OracleStore.sol";
import {MAX_CALLDATA_BYTES} from "../types/Limits.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Callback} from "./Callback.sol";

/// @title Second stage of the oracle: an answer is posted, becomes final, and is delivered.
abstract contract Answers is OracleStore {
    /// @inheritdoc ISuretyOracle
    function post(RequestId requestId, bytes32 question, bytes calldata output)
        external
        nonReentrant
        returns (AssertionId assertionId)
    {
        StoredRequest storage request = _answerable(requestId);
        (ModelId modelId, IModelRegistry.ModelSummary memory model) = _answeredModel(request, question);
        if (output.length != model.outputBytes) revert WrongOutputSize(output.length, model.outputBytes);
        bytes32 outputRoot =
            model.outputCount == 1 ? _rootOf(output) : _rootOf(output, _models().outputBytesOf(modelId));
        assertionId = _assert(requestId, request, outputRoot);
        emit Posted(assertionId, requestId, msg.sender, output);

        _operators().lock(msg.sender, ASSERTION_BOND_WEI);
    }

    /// @inheritdoc ISuretyOracle
    function postByReference(RequestId requestId, bytes32 question, bytes32 outputRoot, string calldata uri)
        external
        nonReentrant
        returns (AssertionId assertionId)
    {
        StoredRequest storage request = _answerable(requestId);
        (, IModelRegistry.ModelSummary memory model) = _answeredModel(request, question);
        // INVARIANT: nobody can hold back an output that fits into a transaction.
        if (model.outputBytes <= MAX_CALLDATA_BYTES) {
            revert OutputFitsTransaction(model.outputBytes, MAX_CALLDATA_BYTES);
        }
        _requireUri(uri);
        assertionId = _assert(requestId, request, outputRoot);
        emit PostedByReference(assertionId, requestId, msg.sender, outputRoot, uri);

        _operators().lock(msg.sender, ASSERTION_BOND_WEI);
    }

    /// @inheritdoc ISuretyOracle
    function finalise(RequestId requestId, bytes calldata output) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        (AssertionId assertionId, StoredAssertion storage assertion) = _finalisable(requestId, request);
        _requireOutput(request, assertion.outputRoot, output);

        // INVARIANT: a consumer can never block settlement: everything is stored before it is called.
        bool due = request.delivery == DeliveryState.Due;
        if (due) request.delivery = DeliveryState.Delivered;
        _settle(assertionId, requestId, request, assertion);
        if (due) _deliver(requestId, request, false, output);
    }

    /// @inheritdoc ISuretyOracle
    function finaliseByReference(RequestId requestId, bytes32 outputRoot) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        (AssertionId assertionId, StoredAssertion storage assertion) = _finalisable(requestId, request);
        if (request.delivery != DeliveryState.Pull) revert DeliveryNeedsOutput(requestId);
        if (outputRoot != assertion.outputRoot) revert OutputMismatch(outputRoot, assertion.outputRoot);

        _settle(assertionId, requestId, request, assertion);
    }

    /// @inheritdoc ISuretyOracle
    function retry(RequestId requestId, bytes calldata output) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        // INVARIANT: a delivery succeeds once only.
        if (request.delivery != DeliveryState.Failed) revert NothingToRetry(requestId);
        _requireOutput(request, _assertions[_assertionId(requestId, request.attempt)].outputRoot, output);

        request.delivery = DeliveryState.Delivered;
        _deliver(requestId, request, true, output);
    }

    /// @dev A request that the caller may answer now.
    function _answerable(RequestId requestId) private view returns (StoredRequest storage request) {
        request = _request(requestId);
        if (request.status != RequestStatus.Open) revert WrongStatus(request.status, RequestStatus.Open);
        if (block.timestamp > request.deadline) revert DeadlinePassed(request.deadline);
        // INVARIANT: nobody can copy the assignee's answer while its exclusive time lasts.
        if (msg.sender != request.assignee && block.timestamp <= request.exclusiveUntil) {
            revert NotYourTurn(request.assignee, request.exclusiveUntil);
        }
    }

    /// @dev The model that the question names, which the caller must serve.
    function _answeredModel(StoredRequest storage request, bytes32 question)
        private
        view
        returns (ModelId modelId, IModelRegistry.ModelSummary memory model)
    {
        (modelId, model) = _models().modelAt(request.modelNumber);
        // INVARIANT: a reorg cannot make an honest answer a wrong one.
        Question.requireNamed(question, modelId, request.inputRoot);
        if (!_operators().serves(msg.sender, modelId)) revert NotServing(msg.sender, modelId);
    }

    function _assert(RequestId requestId, StoredRequest storage request, bytes32 outputRoot)
        private
        returns (AssertionId assertionId)
    {
        assertionId = _assertionId(requestId, request.attempt);
        request.status = RequestStatus.Asserted;
        StoredAssertion storage assertion = _assertions[assertionId];
        assertion.poster = msg.sender;
        assertion.postedAt = uint40(block.timestamp);
        assertion.outputRoot = outputRoot;
    }

    /// @dev The answer of a request, if it can be made final.
    function _finalisable(RequestId requestId, StoredRequest storage request)
        private
        view
        returns (AssertionId assertionId, StoredAssertion storage assertion)
    {
        if (request.status != RequestStatus.Asserted) revert WrongStatus(request.status, RequestStatus.Asserted);
        assertionId = _assertionId(requestId, request.attempt);
        assertion = _assertions[assertionId];
        uint256 windowEndsAt = assertion.postedAt + CHALLENGE_WINDOW_SECONDS;
        // INVARIANT: final only when the window is over and no game is open.
        if (block.timestamp < windowEndsAt) revert WindowOpen(windowEndsAt);
        if (assertion.openGames != 0) revert GamesOpen(assertion.openGames);
    }

    /// @dev Makes an answer final: pays the poster and frees its bond.
    function _settle(
        AssertionId assertionId,
        RequestId requestId,
        StoredRequest storage request,
        StoredAssertion storage assertion
    ) private {
        request.status = RequestStatus.Final;
        _credit(assertion.poster, _fee(request.callbackGas));
        emit Finalised(assertionId, requestId, assertion.outputRoot);

        _operators().unlock(assertion.poster, ASSERTION_BOND_WEI);
    }

    /// @dev The lock is held and the delivery marked as made: only a failure is noted afterwards.
    function _deliver(RequestId requestId, StoredRequest storage request, bool generous, bytes calldata output) private {
        (bool success, bytes memory returnData) =
            Callback.deliver(request.requester, request.callbackGas, generous, requestId, output);
        if (!success) request.delivery = DeliveryState.Failed;
        emit Delivered(requestId, success, returnData);
    }

    function _requireOutput(StoredRequest storage request, bytes32 expectedRoot, bytes calldata output) private view {
        bytes32 actualRoot;
        if (request.outputCount == 1) {
            if (output.length == 0) revert WrongOutputSize(0, 1);
            actualRoot = _rootOf(output);
        } else {
            (ModelId modelId, IModelRegistry.ModelSummary memory model) = _models().modelAt(request.modelNumber);
            if (output.length != model.outputBytes) revert WrongOutputSize(output.length, model.outputBytes);
            actualRoot = _rootOf(output, _models().outputBytesOf(modelId));
        }
        if (actualRoot != expectedRoot) revert OutputMismatch(actualRoot, expectedRoot);
    }

    /// @inheritdoc ISuretyOracle
    function resultOf(RequestId requestId) external view returns (bytes32 outputRoot) {
        StoredRequest storage request = _requests[requestId];
        if (request.status != RequestStatus.Final) return 0;
        return _assertions[_assertionId(requestId, request.attempt)].outputRoot;
    }
}
