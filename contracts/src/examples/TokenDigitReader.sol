// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";
import {InferenceRequest} from "../types/OracleTypes.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";
import {DigitScores} from "./DigitScores.sol";

/// @title Example: reads digits for a fee in a token, which whoever asks pays by allowance.
contract TokenDigitReader is SuretyConsumer {
    using SafeERC20 for IERC20;

    uint32 public constant CALLBACK_GAS = 60_000;

    event DigitRead(RequestId indexed requestId, uint8 digit);

    ModelId public immutable modelId;
    /// @notice One of the oracle's `feeTokens`.
    IERC20 public immutable token;

    constructor(ISuretyOracle oracle_, ModelId modelId_, IERC20 token_) SuretyConsumer(oracle_) {
        modelId = modelId_;
        token = token_;
    }

    /// @notice What `readDigit` takes from its caller, in the token's smallest unit.
    function fee() public view returns (uint256) {
        return ORACLE.quote(modelId, CALLBACK_GAS, Delivery.Final, address(token), 0);
    }

    /// @notice Asks for the digit in an image: 28 x 28 f32, little-endian, row by row.
    function readDigit(bytes calldata image, uint40 deadline) external returns (RequestId) {
        token.safeTransferFrom(msg.sender, address(this), fee());
        return _requestInference(
            InferenceRequest({
                modelId: modelId,
                input: image,
                callbackGas: CALLBACK_GAS,
                delivery: Delivery.Final,
                deadline: deadline,
                feeToken: address(token),
                valueAtRiskWei: 0
            })
        );
    }

    /// @inheritdoc SuretyConsumer
    function _onResult(RequestId requestId, bytes calldata output) internal override {
        emit DigitRead(requestId, DigitScores.best(output));
    }
}
