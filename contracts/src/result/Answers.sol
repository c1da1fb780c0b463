// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IProvisionalCallback} from "../interfaces/IProvisionalCallback.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Question} from "../libraries/Question.sol";
import {Burn} from "../settle/Burn.sol";
import {DeliveryState} from "../types/DeliveryState.sol";
import {MAX_CALLDATA_BYTES} from "../types/Limits.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Callback} from "./Callback.sol";
import {Settling} from "./Settling.sol";

/// @title Second stage of the oracle: an answer is posted, becomes final, and is delivered.
abstract contract Answers is ISuretyOracle, Settling {
    /// @inheritdoc ISuretyOracle
    function post(RequestId requestId, bytes32 question, bytes calldata output)
        external
        nonReentrant
        returns (AssertionId assertionId)
    {
        (StoredRequest storage request, IModelRegistry.ModelSummary memory model, address missed) =
            _answerable(requestId, question);
        // INVARIANT: the output of every item of a batch is seen by everybody, so that nobody can hide a lie.
        _requireOutputSize(output, request.itemCount * model.outputBytes);
        assertionId = _assert(requestId, request, _outputRootOf(request, output));
        emit Posted(assertionId, requestId, msg.sender, output);

        _bind(requestId, missed);
        // INVARIANT: a consumer can never block a post: everything is stored before it is called.
        if (request.delivery.wantsProvisional()) _tell(requestId, request, false, output);
    }

    /// @inheritdoc ISuretyOracle
    function postByReference(RequestId requestId, bytes32 question, bytes32 outputRoot, string calldata uri)
        external
        nonReentrant
        returns (AssertionId assertionId)
    {
        (StoredRequest storage request, IModelRegistry.ModelSummary memory model, address missed) =
            _answerable(requestId, question);
        // INVARIANT: nobody can hold back an output that fits into a transaction.
        if (model.outputBytes <= MAX_CALLDATA_BYTES) {
            revert OutputFitsTransaction(model.outputBytes, MAX_CALLDATA_BYTES);
        }
        _requireUri(uri);
        assertionId = _assert(requestId, request, outputRoot);
        emit PostedByReference(assertionId, requestId, msg.sender, outputRoot, uri);

        _bind(requestId, missed);
    }

    /// @inheritdoc ISuretyOracle
    function finalise(RequestId requestId, bytes calldata output) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        (AssertionId assertionId, StoredAssertion storage assertion) = _finalisable(requestId, request);
        _requireOutput(request, assertion.outputRoot, output);

        // INVARIANT: a consumer can never block settlement: everything is stored before it is called.
        _settle(assertionId, requestId, request, assertion);
        if (request.delivery.wantsFinal()) _deliver(requestId, request, false, output);
    }

    /// @inheritdoc ISuretyOracle
    function finaliseByReference(RequestId requestId, bytes32 outputRoot) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        (AssertionId assertionId, StoredAssertion storage assertion) = _finalisable(requestId, request);
        if (request.delivery.wantsFinal()) revert DeliveryNeedsOutput(requestId);
        if (outputRoot != assertion.outputRoot) revert OutputMismatch(outputRoot, assertion.outputRoot);

        _settle(assertionId, requestId, request, assertion);
    }

    /// @inheritdoc ISuretyOracle
    function retry(RequestId requestId, bytes calldata output) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        // INVARIANT: a delivery succeeds once only.
        if (!request.delivery.isOwed()) revert NothingToRetry(requestId);
        if (request.delivery.isRevocationDue()) revert RevocationDue(requestId);
        _requireOutput(request, _assertions[_assertionId(requestId, request.attempt)].outputRoot, output);

        bool isFinal = request.status == RequestStatus.Final && request.delivery.wantsFinal();
        if (isFinal) _deliver(requestId, request, true, output);
        else _tell(requestId, request, true, output);
    }

    /// @inheritdoc ISuretyOracle
    function revoke(RequestId requestId) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        DeliveryState due = request.delivery;
        if (!due.isRevocationDue()) revert NothingToRevoke(requestId);

        // INVARIANT: a revocation succeeds once only.
        request.delivery = due.revoked();
        bytes memory data = abi.encodeCall(IProvisionalCallback.onRevoked, (requestId));
        (bool success, bytes memory returnData) = Callback.call(request.requester, request.callbackGas, true, data);
        if (!success) request.delivery = due;
        emit RevocationDelivered(requestId, success, returnData);
    }

    /// @dev A request that the caller may answer now, its model, and who has missed its turn (zero: nobody).
    function _answerable(RequestId requestId, bytes32 question)
        private
        view
        returns (
            StoredRequest storage request,
            IModelRegistry.ModelSummary memory model,
            address missed
        )
    {
        request = _request(requestId);
        if (request.status != RequestStatus.Open) revert WrongStatus(request.status, RequestStatus.Open);
        if (block.timestamp > request.deadline) revert DeadlinePassed(request.deadline);
        ModelId modelId;
        (modelId, model) = _models().modelAt(request.modelNumber);
        // INVARIANT: a reorg cannot make an honest answer a wrong one.
        Question.requireNamed(question, modelId, request.inputRoot, request.itemCount);
        bool exclusive = _isExclusive(request);
        // INVARIANT: nobody can know whom a request draws in the transaction that makes it.
        if (exclusive && block.number <= request.requestBlock) revert AssigneeUnknown(requestId);
        (address assignee, bool firstDrawn) = _drawn(requestId, request, modelId);
        // Who is drawn serves the model.
        if (assignee == msg.sender) return (request, model, address(0));
        // INVARIANT: nobody can copy the assignee's answer while its exclusive time lasts.
        if (exclusive && assignee != address(0)) revert NotYourTurn(assignee, request.exclusiveUntil);
        if (!_operators().serves(msg.sender, modelId)) revert NotServing(msg.sender, modelId);
        // INVARIANT: nobody is fined for a turn that it was not given from the beginning, nor for an input that it could not get, nor for
        // a batch, for which the exclusive time may be too short.
        if (!exclusive && firstDrawn && !request.byReference && request.itemCount == 1) missed = assignee;
    }

    /// @dev Binds the poster by its bond, and fines who has missed its turn.
    function _bind(RequestId requestId, address missed) private {
        _operators().lock(msg.sender, _requests[requestId].bondWei);
        if (missed == address(0) || MISSED_TURN_PENALTY_WEI == 0) return;
        (uint256 paidWei,) = Burn.split(MISSED_TURN_PENALTY_WEI, BURN_BPS);
        emit TurnMissed(requestId, missed, msg.sender);
        _operators().fine(missed, MISSED_TURN_PENALTY_WEI, msg.sender, paidWei);
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
        assertion.postedBlock = uint32(block.number);
        assertion.outputRoot = outputRoot;
    }

    /// @dev The answer of a request, if it can be made final.
    function _finalisable(RequestId requestId, StoredRequest storage request)
        private
        view
        returns (AssertionId assertionId, StoredAssertion storage assertion)
    {
        uint256 windowEndsAt;
        (assertionId, assertion, windowEndsAt) = _standing(requestId, request);
        // INVARIANT: final only when the window is over, or by the word of the verifier that the requester chose.
        if (block.timestamp < windowEndsAt) revert WindowOpen(windowEndsAt);
        _requireNoGames(assertion);
    }

    /// @dev The provisional callback, as the final one (`_deliver`).
    function _tell(RequestId requestId, StoredRequest storage request, bool generous, bytes calldata output) private {
        DeliveryState before = request.delivery;
        request.delivery = before.told();
        bytes memory data = abi.encodeCall(IProvisionalCallback.onProvisionalInference, (requestId, output));
        (bool success, bytes memory returnData) = _callBack(request, before, generous, data);
        emit DeliveredProvisionally(requestId, success, returnData);
    }

    /// @inheritdoc ISuretyOracle
    function isResult(RequestId requestId, bytes calldata output) external view returns (bool) {
        StoredRequest storage request = _requests[requestId];
        if (request.status != RequestStatus.Final) return false;
        return _outputRootOf(request, output) == _assertions[_assertionId(requestId, request.attempt)].outputRoot;
    }

    /// @inheritdoc ISuretyOracle
    function isItem(RequestId requestId, uint256 item, bytes calldata output, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        StoredRequest storage request = _requests[requestId];
        if (request.status != RequestStatus.Final || item >= request.itemCount) return false;
        (ModelId modelId, IModelRegistry.ModelSummary memory model) = _models().modelAt(request.modelNumber);
        _requireOutputSize(output, model.outputBytes);
        bytes32 itemRoot = _rootOf(output, _models().outputBytesOf(modelId));
        bytes32 root = _assertions[_assertionId(requestId, request.attempt)].outputRoot;
        return MerkleTree.verifyPath(root, MerkleTree.heightOf(request.itemCount), item, itemRoot, proof);
    }

    /// @inheritdoc ISuretyOracle
    function resultOf(RequestId requestId) external view returns (bytes32 outputRoot) {
        StoredRequest storage request = _requests[requestId];
        if (request.status != RequestStatus.Final) return 0;
        return _assertions[_assertionId(requestId, request.attempt)].outputRoot;
    }

    /// @inheritdoc ISuretyOracle
    function earlyFinalityOf(RequestId requestId) external view returns (address verifier) {
        return _verifiers[requestId];
    }
}
