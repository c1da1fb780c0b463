// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {DeliveryStates} from "../types/DeliveryState.sol";
import {MAX_CALLDATA_BYTES} from "../types/Limits.sol";
import {Delivery, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {OracleStore} from "./OracleStore.sol";

/// @title First stage of the oracle: a request is checked, rooted and opened to the draw of its assignee; unanswered, it is refunded.
abstract contract Requests is OracleStore {
    /// @inheritdoc ISuretyOracle
    function quote(ModelId modelId, uint32 callbackGas, Delivery delivery, address feeToken, uint128 valueAtRiskWei)
        external
        view
        returns (uint256 fee)
    {
        if (!_models().summary(modelId).registered) revert IModelRegistry.NotRegistered(modelId);
        return _fee(_feeTokenNumber(feeToken), callbackGas, delivery, _bondOf(valueAtRiskWei));
    }

    /// @inheritdoc ISuretyOracle
    function requestInference(InferenceRequest calldata request)
        external
        payable
        nonReentrant
        returns (RequestId requestId)
    {
        (IModelRegistry.ModelSummary memory model, bytes32 inputRoot) = _rooted(request);
        return _ask(request, model, inputRoot, msg.sender);
    }

    /// @inheritdoc ISuretyOracle
    function requestInferenceByReference(InferenceRequest calldata request, bytes32 inputRoot, string calldata uri)
        external
        payable
        nonReentrant
        returns (RequestId requestId)
    {
        return _askByReference(request, inputRoot, uri, msg.sender);
    }

    function _rooted(InferenceRequest calldata request)
        internal
        view
        returns (IModelRegistry.ModelSummary memory model, bytes32 inputRoot)
    {
        model = _requestedModel(request);
        if (request.input.length != model.inputBytes) revert WrongInputSize(request.input.length, model.inputBytes);
        inputRoot = model.inputCount == 1
            ? _rootOf(request.input)
            : _rootOf(request.input, _models().inputBytesOf(request.modelId));
    }

    function _ask(
        InferenceRequest calldata request,
        IModelRegistry.ModelSummary memory model,
        bytes32 inputRoot,
        address requester
    ) internal returns (RequestId requestId) {
        requestId = _take(request, model, inputRoot, requester);
        emit Requested(requestId, request.modelId, requester, request.input);

        _collect(requestId);
    }

    function _askByReference(
        InferenceRequest calldata request,
        bytes32 inputRoot,
        string calldata uri,
        address requester
    ) internal returns (RequestId requestId) {
        IModelRegistry.ModelSummary memory model = _requestedModel(request);
        if (request.input.length != 0) revert WrongInputSize(request.input.length, 0);
        _requireUri(uri);
        requestId = _take(request, model, inputRoot, requester);
        _requests[requestId].byReference = true;
        emit RequestedByReference(requestId, request.modelId, requester, inputRoot, uri);

        _collect(requestId);
    }

    /// @dev The fee of a request that is not stored yet.
    function _quoted(InferenceRequest calldata request) internal view returns (uint256 fee) {
        uint256 bondWei = _bondOf(request.valueAtRiskWei);
        return _fee(_feeTokenNumber(request.feeToken), request.callbackGas, request.delivery, bondWei);
    }

    function _requestedModel(InferenceRequest calldata request)
        private
        view
        returns (IModelRegistry.ModelSummary memory model)
    {
        if (request.deadline <= block.timestamp) revert DeadlinePassed(request.deadline);
        model = _models().summary(request.modelId);
        if (!model.registered) revert IModelRegistry.NotRegistered(request.modelId);
        // INVARIANT: whatever can be asked can be answered, made final and disputed.
        if (model.outputBytes > MAX_CALLDATA_BYTES && request.delivery != Delivery.Pull) {
            revert OutputTooLargeToDeliver(model.outputBytes, MAX_CALLDATA_BYTES);
        }
    }

    /// @dev Takes a native fee, numbers the request and opens it to the draw of its assignee.
    function _take(
        InferenceRequest calldata request,
        IModelRegistry.ModelSummary memory model,
        bytes32 inputRoot,
        address requester
    ) private returns (RequestId requestId) {
        uint8 feeTokenNumber = _feeTokenNumber(request.feeToken);
        uint256 bondWei = _bondOf(request.valueAtRiskWei);
        _takeNative(feeTokenNumber, _fee(feeTokenNumber, request.callbackGas, request.delivery, bondWei));
        uint256 memberCount = _operators().servingCount(request.modelId);
        if (memberCount == 0) revert NobodyServes(request.modelId);

        requestId = RequestId.wrap(_nextRequestId++);
        StoredRequest storage stored = _requests[requestId];
        stored.requester = requester;
        stored.callbackGas = request.callbackGas;
        stored.deadline = request.deadline;
        stored.status = RequestStatus.Open;
        stored.delivery = DeliveryStates.from(request.delivery);
        stored.inputRoot = inputRoot;
        stored.modelNumber = model.number;
        stored.outputCount = uint8(model.outputCount);
        stored.feeTokenNumber = feeTokenNumber;
        stored.bondWei = uint80(bondWei);
        _openToDraw(stored, memberCount);
    }

    /// @dev Takes a fee that is paid in a token from the requester: last, since it calls the token.
    function _collect(RequestId requestId) private {
        StoredRequest storage request = _requests[requestId];
        uint8 feeTokenNumber = request.feeTokenNumber;
        if (feeTokenNumber != 0) _collectToken(_feeTokenAt(feeTokenNumber), request.requester, _feeOf(request));
    }

    /// @inheritdoc ISuretyOracle
    function refund(RequestId requestId) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        if (request.status != RequestStatus.Open) revert WrongStatus(request.status, RequestStatus.Open);
        if (block.timestamp <= request.deadline) revert DeadlineNotPassed(request.deadline);
        _refund(requestId, request);
    }

    /// @inheritdoc ISuretyOracle
    function requestOf(RequestId requestId) external view returns (RequestView memory) {
        StoredRequest storage request = _requests[requestId];
        if (request.status == RequestStatus.None) {
            RequestView memory none;
            return none;
        }
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        return RequestView({
            status: request.status,
            requester: request.requester,
            modelId: modelId,
            inputRoot: request.inputRoot,
            fee: _feeOf(request),
            feeToken: _feeTokenAt(request.feeTokenNumber),
            bondWei: request.bondWei,
            callbackGas: request.callbackGas,
            delivery: request.delivery.mode(),
            callbackOwed: request.delivery.isOwed(),
            revocationDue: request.delivery.isRevocationDue(),
            deadline: request.deadline,
            exclusiveUntil: request.exclusiveUntil,
            attempt: request.attempt
        });
    }

    /// @inheritdoc ISuretyOracle
    function assigneeOf(RequestId requestId) external view returns (address assignee) {
        StoredRequest storage request = _requests[requestId];
        if (request.status == RequestStatus.None) return address(0);
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        (assignee,) = _drawn(requestId, request, modelId);
    }

    function _refund(RequestId requestId, StoredRequest storage request) internal {
        uint256 fee = _feeOf(request);
        uint8 feeTokenNumber = request.feeTokenNumber;
        request.status = RequestStatus.Refunded;
        _creditFee(feeTokenNumber, request.requester, fee);
        emit Refunded(requestId, request.requester, _feeTokenAt(feeTokenNumber), fee);
    }
}
