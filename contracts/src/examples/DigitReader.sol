// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";
import {DigitScores} from "./DigitScores.sol";

/// @title Example: reads handwritten digits with a model whose output is ten f32 scores.
contract DigitReader is SuretyConsumer {
    uint32 public constant CALLBACK_GAS = 80_000;

    event DigitRead(RequestId indexed requestId, uint8 digit);

    /// @notice Thrown when a digit is asked for that has not been read yet.
    error NotReadYet(RequestId requestId);
    /// @notice Thrown when a request is paid with less or more than its fee.
    error WrongFee(uint256 actualWei, uint256 requiredWei);

    /// @notice The model that reads.
    ModelId public immutable modelId;
    /// @dev The digit and 1, so that 0 says "not read".
    mapping(RequestId requestId => uint8) private _digits;

    constructor(ISuretyOracle oracle_, ModelId modelId_) SuretyConsumer(oracle_) {
        modelId = modelId_;
    }

    /// @notice What `readDigit` must be paid.
    function feeWei() public view returns (uint256) {
        return ORACLE.quote(modelId, CALLBACK_GAS, Delivery.Final, address(0), 0);
    }

    /// @notice Asks for the digit in an image.
    /// @param image The model's input: 28 x 28 f32, little-endian, row by row.
    /// @param deadline Unix seconds after which the request may be refunded.
    function readDigit(bytes calldata image, uint40 deadline) external payable returns (RequestId) {
        uint256 requiredWei = feeWei();
        if (msg.value != requiredWei) revert WrongFee(msg.value, requiredWei);
        return _requestInference(modelId, image, CALLBACK_GAS, Delivery.Final, deadline);
    }

    /// @notice The digit that a request's answer says.
    function digitOf(RequestId requestId) external view returns (uint8) {
        uint8 digit = _digits[requestId];
        if (digit == 0) revert NotReadYet(requestId);
        return digit - 1;
    }

    /// @inheritdoc SuretyConsumer
    function _onResult(RequestId requestId, bytes calldata output) internal override {
        uint8 digit = DigitScores.best(output);
        _digits[requestId] = digit + 1;
        emit DigitRead(requestId, digit);
    }
}
