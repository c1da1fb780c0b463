// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {OracleStore} from "../request/OracleStore.sol";
import {DeliveryState} from "../types/DeliveryState.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Callback} from "./Callback.sol";

/// @title How an answer becomes final and is delivered, by whatever way.
abstract contract Settling is OracleStore {
    /// @dev The answer of a request, and when its window is over.
    function _standing(RequestId requestId, StoredRequest storage request)
        internal
        view
        returns (AssertionId assertionId, StoredAssertion storage assertion, uint256 windowEndsAt)
    {
        if (request.status != RequestStatus.Asserted) revert WrongStatus(request.status, RequestStatus.Asserted);
        assertionId = _assertionId(requestId, request.attempt);
        assertion = _assertions[assertionId];
        windowEndsAt = _windowEndsAt(request, assertion);
    }

    /// @dev INVARIANT: nothing is final while a game is open.
    function _requireNoGames(StoredAssertion storage assertion) internal view {
        if (assertion.openGames != 0) revert GamesOpen(assertion.openGames);
    }

    /// @dev Makes an answer final: pays the poster and frees its bond.
    function _settle(
        AssertionId assertionId,
        RequestId requestId,
        StoredRequest storage request,
        StoredAssertion storage assertion
    ) internal {
        request.status = RequestStatus.Final;
        _creditFee(request.feeTokenNumber, assertion.poster, _feeOf(request));
        emit Finalised(assertionId, requestId, assertion.outputRoot);

        _operators().unlock(assertion.poster, request.bondWei);
    }

    /// @dev The final callback. The lock is held and the callback marked as made: only a failure is noted afterwards.
    function _deliver(RequestId requestId, StoredRequest storage request, bool generous, bytes calldata output) internal {
        DeliveryState before = request.delivery;
        request.delivery = before.delivered();
        bytes memory data = abi.encodeCall(IInferenceCallback.onInference, (requestId, output));
        (bool success, bytes memory returnData) = _callBack(request, before, generous, data);
        emit Delivered(requestId, success, returnData);
    }

    function _callBack(StoredRequest storage request, DeliveryState before, bool generous, bytes memory data)
        internal
        returns (bool success, bytes memory returnData)
    {
        // INVARIANT: a consumer hears that an answer was wrong before it hears another one.
        if (!before.isRevocationDue()) {
            (success, returnData) = Callback.call(request.requester, request.callbackGas, generous, data);
        }
        if (!success) request.delivery = before.owed();
    }

    function _requireOutput(StoredRequest storage request, bytes32 expectedRoot, bytes calldata output) internal view {
        bytes32 actualRoot = _outputRootOf(request, output);
        if (actualRoot != expectedRoot) revert OutputMismatch(actualRoot, expectedRoot);
    }

    function _outputRootOf(StoredRequest storage request, bytes calldata output) internal view returns (bytes32) {
        if (request.outputCount == 1 && request.itemCount == 1) {
            if (output.length == 0) revert WrongOutputSize(0, 1);
            return _rootOf(output);
        }
        (ModelId modelId, IModelRegistry.ModelSummary memory model) = _models().modelAt(request.modelNumber);
        uint256 itemCount = request.itemCount;
        _requireOutputSize(output, itemCount * model.outputBytes);
        uint32[] memory sizes = _models().outputBytesOf(modelId);
        return itemCount == 1 ? _rootOf(output, sizes) : _batchRootOf(output, sizes, itemCount);
    }

    function _requireOutputSize(bytes calldata output, uint256 expectedBytes) internal pure {
        if (output.length != expectedBytes) revert WrongOutputSize(output.length, expectedBytes);
    }
}
