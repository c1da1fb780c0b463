// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";

/// @title Example: reads handwritten digits with a model whose output is ten f32 scores.
contract DigitReader is SuretyConsumer {
    uint32 public constant CALLBACK_GAS = 80_000;
    uint256 private constant CLASSES = 10;

    event DigitRead(RequestId indexed requestId, uint8 digit);

    /// @notice Thrown when the model's output is not ten f32.
    error NotTenScores(uint256 actualBytes, uint256 expectedBytes);
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
        return ORACLE.quote(modelId, CALLBACK_GAS, Delivery.Final);
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
        if (output.length != CLASSES * 4) revert NotTenScores(output.length, CLASSES * 4);
        uint8 digit = 0;
        uint256 best = 0;
        for (uint256 i = 0; i < CLASSES; ++i) {
            uint256 key = _orderKey(output[i * 4:i * 4 + 4]);
            if (key > best) (best, digit) = (key, uint8(i));
        }

        _digits[requestId] = digit + 1;
        emit DigitRead(requestId, digit);
    }

    /// @dev A number that orders little-endian f32 as IEEE-754 does: a negative number's bits count downwards. -0 equals +0, a NaN is least.
    function _orderKey(bytes calldata score) private pure returns (uint256) {
        uint256 bits = uint256(uint8(score[0])) | uint256(uint8(score[1])) << 8 | uint256(uint8(score[2])) << 16
            | uint256(uint8(score[3])) << 24;
        uint256 magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) return 0;
        return bits == magnitude ? 0x80000000 + magnitude : 0x80000000 - magnitude;
    }
}
