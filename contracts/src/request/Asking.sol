// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {DeliveryStates} from "../types/DeliveryState.sol";
import {MAX_CALLDATA_BYTES} from "../types/Limits.sol";
import {InferenceRequest} from "../types/OracleTypes.sol";
import {Delivery, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {OracleStore} from "./OracleStore.sol";

/// @title How a request is checked, rooted, paid, stored and opened to the draw of its assignee, whoever asks and by whatever way.
abstract contract Asking is OracleStore {
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
        requestId = _take(request, model, inputRoot, requester, 1);
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
        requestId = _take(request, model, inputRoot, requester, 1);
        _requests[requestId].byReference = true;
        emit RequestedByReference(requestId, request.modelId, requester, inputRoot, uri);

        _collect(requestId);
    }

    /// @dev The fee of a request that is not stored yet.
    function _quoted(InferenceRequest calldata request) internal view returns (uint256 fee) {
        uint256 bondWei = _bondOf(request.valueAtRiskWei);
        return _fee(_feeTokenNumber(request.feeToken), request.callbackGas, request.delivery, bondWei, 1);
    }

    function _requestedModel(InferenceRequest calldata request)
        internal
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
        address requester,
        uint256 itemCount
    ) internal returns (RequestId requestId) {
        uint8 feeTokenNumber = _feeTokenNumber(request.feeToken);
        uint256 bondWei = _bondOf(request.valueAtRiskWei);
        _takeNative(feeTokenNumber, _fee(feeTokenNumber, request.callbackGas, request.delivery, bondWei, itemCount));
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
        stored.itemCount = uint8(itemCount);
        _openToDraw(stored, memberCount);
    }

    /// @dev Takes a fee that is paid in a token from the requester: last, since it calls the token.
    function _collect(RequestId requestId) internal {
        StoredRequest storage request = _requests[requestId];
        uint8 feeTokenNumber = request.feeTokenNumber;
        if (feeTokenNumber != 0) _collectToken(_feeTokenAt(feeTokenNumber), request.requester, _feeOf(request));
    }
}
