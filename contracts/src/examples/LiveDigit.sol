// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";
import {DigitScores} from "./DigitScores.sol";

/// @title Example: shows a digit at once, takes it back when it proves wrong, and says when it is certain.
contract LiveDigit is SuretyConsumer {
    uint32 public constant CALLBACK_GAS = 80_000;

    enum Certainty {
        /// Nothing is known, or what was known proved wrong.
        None,
        Provisional,
        Final
    }

    struct Reading {
        uint8 digit;
        Certainty certainty;
    }

    event Read(RequestId indexed requestId, uint8 digit, Certainty certainty);
    event TakenBack(RequestId indexed requestId, uint8 digit);

    ModelId public immutable modelId;
    mapping(RequestId requestId => Reading) private _readings;

    constructor(ISuretyOracle oracle_, ModelId modelId_) SuretyConsumer(oracle_) {
        modelId = modelId_;
    }

    /// @notice What `readDigit` must be paid.
    function feeWei() external view returns (uint256) {
        return ORACLE.quote(modelId, CALLBACK_GAS, Delivery.Both, address(0), 0);
    }

    /// @notice Asks for the digit in an image: 28 x 28 f32, little-endian, row by row. What is paid above the fee stays here.
    function readDigit(bytes calldata image, uint40 deadline) external payable returns (RequestId) {
        return _requestInference(modelId, image, CALLBACK_GAS, Delivery.Both, deadline);
    }

    function readingOf(RequestId requestId) external view returns (Reading memory) {
        return _readings[requestId];
    }

    /// @inheritdoc SuretyConsumer
    function _onProvisional(RequestId requestId, bytes calldata output) internal override {
        _note(requestId, output, Certainty.Provisional);
    }

    /// @inheritdoc SuretyConsumer
    function _onRevoked(RequestId requestId) internal override {
        uint8 digit = _readings[requestId].digit;
        delete _readings[requestId];
        emit TakenBack(requestId, digit);
    }

    /// @inheritdoc SuretyConsumer
    function _onResult(RequestId requestId, bytes calldata output) internal override {
        _note(requestId, output, Certainty.Final);
    }

    function _note(RequestId requestId, bytes calldata output, Certainty certainty) private {
        uint8 digit = DigitScores.best(output);
        _readings[requestId] = Reading(digit, certainty);
        emit Read(requestId, digit, certainty);
    }
}
