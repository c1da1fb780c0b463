// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";

/// @title Base of a contract that asks the oracle. Override `_onResult`.
/// @dev The oracle is locked during the callback: ask again in another transaction. What was paid above the fee is credited to this
/// contract; so is a refund. `_withdrawCredits` fetches both.
abstract contract SuretyConsumer is IInferenceCallback {
    /// @notice Thrown when anybody but the oracle calls back.
    error OnlyOracle(address caller, address oracle);

    ISuretyOracle internal immutable ORACLE;

    constructor(ISuretyOracle oracle_) {
        ORACLE = oracle_;
    }

    /// @inheritdoc IInferenceCallback
    function onInference(RequestId requestId, bytes calldata output) external {
        if (msg.sender != address(ORACLE)) revert OnlyOracle(msg.sender, address(ORACLE));
        _onResult(requestId, output);
    }

    /// @notice What a consumer does with a final answer.
    /// @param output Concatenation of the model's output tensors, little-endian, row-major.
    function _onResult(RequestId requestId, bytes calldata output) internal virtual;

    /// @dev Asks for an answer, to be called back with once it is final. Forwards exactly the quoted fee from this contract's balance.
    function _requestInference(ModelId modelId, bytes calldata input, uint32 callbackGas, uint40 deadline)
        internal
        returns (RequestId)
    {
        uint256 feeWei = ORACLE.quote(modelId, callbackGas);
        return ORACLE.requestInference{value: feeWei}(
            ISuretyOracle.InferenceRequest({
                modelId: modelId,
                input: input,
                callbackGas: callbackGas,
                delivery: Delivery.Final,
                deadline: deadline
            })
        );
    }

    function _withdrawCredits() internal {
        ORACLE.withdraw();
    }

    /// @dev Takes what the oracle pays out.
    receive() external payable virtual {
        if (msg.sender != address(ORACLE)) revert OnlyOracle(msg.sender, address(ORACLE));
    }
}
