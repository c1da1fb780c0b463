// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {DigitScores} from "@surety/contracts/src/examples/DigitScores.sol";
import {ISuretyOracle} from "@surety/contracts/src/interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "@surety/contracts/src/result/SuretyConsumer.sol";
import {Delivery, ModelId, RequestId} from "@surety/contracts/src/types/SuretyTypes.sol";

/// @title Asks which digit an image shows, and keeps the answer once nobody can dispute it any more.
contract DigitConsumer is SuretyConsumer {
    /// @notice What the oracle leaves `_onResult`.
    uint32 public constant CALLBACK_GAS = 80_000;

    event Answered(RequestId indexed requestId, uint8 digit);

    /// @notice Thrown when an answer is read that is not there yet.
    error NotAnswered(RequestId requestId);

    /// @notice The model that reads.
    ModelId public immutable MODEL_ID;
    /// @dev The digit and 1, so that 0 says "not answered".
    mapping(RequestId requestId => uint8) private _answers;

    constructor(ISuretyOracle oracle, ModelId modelId) SuretyConsumer(oracle) {
        MODEL_ID = modelId;
    }

    /// @notice What `ask` must be paid.
    function feeWei() external view returns (uint256) {
        return ORACLE.quote(MODEL_ID, CALLBACK_GAS, Delivery.Final, address(0), 0);
    }

    /// @param image 28 x 28 f32 from 0 (paper) to 255 (ink), little-endian, row by row.
    /// @param deadline Unix seconds after which an unanswered request may be refunded.
    function ask(bytes calldata image, uint40 deadline) external payable returns (RequestId) {
        return _requestInference(MODEL_ID, image, CALLBACK_GAS, Delivery.Final, deadline);
    }

    function answerOf(RequestId requestId) external view returns (uint8) {
        uint8 answer = _answers[requestId];
        if (answer == 0) revert NotAnswered(requestId);
        return answer - 1;
    }

    /// @inheritdoc SuretyConsumer
    function _onResult(RequestId requestId, bytes calldata output) internal override {
        uint8 digit = DigitScores.best(output);
        _answers[requestId] = digit + 1;
        emit Answered(requestId, digit);
    }
}
