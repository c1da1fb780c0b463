// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {InferenceRequest, OracleParameters, RequestView} from "../types/OracleTypes.sol";
import {Delivery, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Asking} from "./Asking.sol";

/// @title First stage of the oracle: a request is made; unanswered, it is refunded.
abstract contract Requests is ISuretyOracle, Asking {
    using BitMaps for BitMaps.BitMap;

    /// @inheritdoc ISuretyOracle
    function quote(ModelId modelId, uint32 callbackGas, Delivery delivery, address feeToken, uint128 valueAtRiskWei)
        external
        view
        returns (uint256 fee)
    {
        return _quote(modelId, callbackGas, delivery, feeToken, valueAtRiskWei, 1);
    }

    /// @inheritdoc ISuretyOracle
    function quoteBatch(
        ModelId modelId,
        uint32 callbackGas,
        Delivery delivery,
        address feeToken,
        uint128 valueAtRiskWei,
        uint256 itemCount
    ) external view returns (uint256 fee) {
        return _quote(modelId, callbackGas, delivery, feeToken, valueAtRiskWei, itemCount);
    }

    function _quote(
        ModelId modelId,
        uint32 callbackGas,
        Delivery delivery,
        address feeToken,
        uint128 valueAtRiskWei,
        uint256 itemCount
    ) private view returns (uint256 fee) {
        if (!_models().summary(modelId).registered) revert IModelRegistry.NotRegistered(modelId);
        return _fee(_feeTokenNumber(feeToken), callbackGas, delivery, _bondOf(valueAtRiskWei), itemCount);
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

    /// @inheritdoc ISuretyOracle
    function cancelNonce(uint256 nonce) external {
        _usedNonces[msg.sender].set(nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc ISuretyOracle
    function isNonceUsed(address requester, uint256 nonce) external view returns (bool) {
        return _usedNonces[requester].get(nonce);
    }

    /// @inheritdoc ISuretyOracle
    function refund(RequestId requestId) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        if (request.status != RequestStatus.Open) revert WrongStatus(request.status, RequestStatus.Open);
        if (block.timestamp <= request.deadline) revert DeadlineNotPassed(request.deadline);
        _refund(requestId, request);
    }

    /// @inheritdoc ISuretyOracle
    function parameters() external view returns (OracleParameters memory) {
        return OracleParameters({
            baseFeeWei: BASE_FEE_WEI,
            callbackGasPriceWei: CALLBACK_GAS_PRICE_WEI,
            assertionBondWei: uint128(ASSERTION_BOND_WEI),
            burnBps: BURN_BPS,
            exclusiveSeconds: EXCLUSIVE_SECONDS,
            challengeWindowSeconds: uint32(CHALLENGE_WINDOW_SECONDS),
            reuseFeeBps: REUSE_FEE_BPS,
            missedTurnPenaltyWei: MISSED_TURN_PENALTY_WEI,
            maxAssertionBondWei: uint128(MAX_ASSERTION_BOND_WEI),
            maxChallengeWindowSeconds: uint32(MAX_CHALLENGE_WINDOW_SECONDS),
            bondBps: uint16(BOND_BPS)
        });
    }

    /// @inheritdoc ISuretyOracle
    function requestCount() external view returns (uint256) {
        return _nextRequestId - 1;
    }

    /// @inheritdoc ISuretyOracle
    function termsOf(uint128 valueAtRiskWei) external view returns (uint256 bondWei, uint256 windowSeconds) {
        bondWei = _bondOf(valueAtRiskWei);
        windowSeconds = _windowOf(bondWei);
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
            attempt: request.attempt,
            itemCount: request.itemCount
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
