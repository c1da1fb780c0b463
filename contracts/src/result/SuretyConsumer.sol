// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IProvisionalCallback} from "../interfaces/IProvisionalCallback.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {InferenceRequest} from "../types/OracleTypes.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";

/// @title Base of a contract that asks the oracle. Override `_onResult` for final answers; for provisional ones `_onProvisional` and
/// `_onRevoked`, both of them.
/// @dev The oracle is locked during the callback: ask again in another transaction. What was paid above the fee is credited to this
/// contract; so is a refund. `_withdrawCredits` fetches both.
abstract contract SuretyConsumer is IInferenceCallback, IProvisionalCallback {
    /// @notice Thrown when anybody but the oracle calls back.
    error OnlyOracle(address caller, address oracle);
    /// @notice Thrown when a final answer arrives at a consumer that does nothing with it: so the delivery is noted as failed, not as made.
    error ResultNotExpected(RequestId requestId);

    using SafeERC20 for IERC20;

    ISuretyOracle internal immutable ORACLE;

    constructor(ISuretyOracle oracle_) {
        ORACLE = oracle_;
    }

    modifier onlyOracle() {
        if (msg.sender != address(ORACLE)) revert OnlyOracle(msg.sender, address(ORACLE));
        _;
    }

    /// @inheritdoc IInferenceCallback
    function onInference(RequestId requestId, bytes calldata output) external onlyOracle {
        _onResult(requestId, output);
    }

    /// @inheritdoc IProvisionalCallback
    function onProvisionalInference(RequestId requestId, bytes calldata output) external onlyOracle {
        _onProvisional(requestId, output);
    }

    /// @inheritdoc IProvisionalCallback
    function onRevoked(RequestId requestId) external onlyOracle {
        _onRevoked(requestId);
    }

    /// @notice What a consumer does with a final answer. Default: refuses it.
    /// @param output Concatenation of the model's output tensors, little-endian, row-major.
    function _onResult(RequestId requestId, bytes calldata output) internal virtual {
        output;
        revert ResultNotExpected(requestId);
    }

    /// @notice What a consumer does with an answer that may still be proven wrong. Default: nothing, so that there is nothing to take back.
    function _onProvisional(RequestId requestId, bytes calldata output) internal virtual {}

    /// @notice How a consumer takes back what it did in `_onProvisional`; the right answer follows. Should never revert: until it has
    /// succeeded, no other answer to this request is delivered. Default: nothing.
    function _onRevoked(RequestId requestId) internal virtual {}

    /// @dev Asks for an answer. Pays exactly the quoted fee in native currency from this contract's balance.
    function _requestInference(
        ModelId modelId,
        bytes calldata input,
        uint32 callbackGas,
        Delivery delivery,
        uint40 deadline
    ) internal returns (RequestId) {
        return _requestInference(
            InferenceRequest({
                modelId: modelId,
                input: input,
                callbackGas: callbackGas,
                delivery: delivery,
                deadline: deadline,
                feeToken: address(0),
                valueAtRiskWei: 0
            })
        );
    }

    /// @dev The same with every term. A fee in a token is paid from this contract's balance of it.
    function _requestInference(InferenceRequest memory request) internal returns (RequestId) {
        uint256 fee = ORACLE.quote(
            request.modelId, request.callbackGas, request.delivery, request.feeToken, request.valueAtRiskWei
        );
        if (request.feeToken == address(0)) return ORACLE.requestInference{value: fee}(request);
        IERC20(request.feeToken).forceApprove(address(ORACLE), fee);
        return ORACLE.requestInference(request);
    }

    /// @dev Asks for the answers to many inputs, one after the other in the request's `input`. Paid as `_requestInference`.
    function _requestBatch(InferenceRequest memory request, uint256 itemCount) internal returns (RequestId) {
        uint256 fee = ORACLE.quoteBatch(
            request.modelId, request.callbackGas, request.delivery, request.feeToken, request.valueAtRiskWei, itemCount
        );
        if (request.feeToken == address(0)) return ORACLE.requestBatch{value: fee}(request, itemCount);
        IERC20(request.feeToken).forceApprove(address(ORACLE), fee);
        return ORACLE.requestBatch(request, itemCount);
    }

    /// @dev Takes the final answer of a request, anybody's, to the same question: `_onResult` is called with that request's number before this
    /// returns. Pays exactly the quoted fee in native currency from this contract's balance, a part of a new request's base fee.
    /// @param question keccak256(abi.encode(modelId, inputRoot)).
    function _reuse(RequestId requestId, bytes32 question, bytes calldata output) internal {
        ORACLE.reuse{value: ORACLE.quoteReuse(address(0))}(requestId, question, output, address(0));
    }

    function _withdrawCredits() internal {
        ORACLE.withdraw();
    }

    function _withdrawTokenCredits(IERC20 token) internal {
        ORACLE.withdrawToken(address(token));
    }

    /// @dev Takes what the oracle pays out.
    receive() external payable virtual onlyOracle {}
}
