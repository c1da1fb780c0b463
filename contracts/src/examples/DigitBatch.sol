// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";
import {InferenceRequest} from "../types/OracleTypes.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";
import {DigitScores} from "./DigitScores.sol";

/// @title Example: many digits in one request, each taken when somebody proves it.
/// @notice One bond, one window and one final transaction for all of them; who needs a digit proves that one (`isItem`).
contract DigitBatch is SuretyConsumer {
    ModelId private immutable MODEL_ID;

    /// Counted from 1, so that 0 says that nobody has shown it yet.
    mapping(RequestId requestId => mapping(uint256 item => uint8 digitPlusOne)) private _digits;

    event DigitsAsked(RequestId indexed requestId, uint256 count);
    event DigitTaken(RequestId indexed requestId, uint256 indexed item, uint8 digit);

    /// @notice Thrown when the batch is not final with this output of this item.
    error NotTheResult(RequestId requestId, uint256 item);
    error NotTakenYet(RequestId requestId, uint256 item);

    constructor(ISuretyOracle oracle_, ModelId modelId) SuretyConsumer(oracle_) {
        MODEL_ID = modelId;
    }

    /// @notice Asks which digits are in so many images, one after the other. Pays the fee from what is sent; the rest stays here for the next.
    function readDigits(bytes calldata images, uint256 count, uint40 deadline) external payable returns (RequestId requestId) {
        requestId = _requestBatch(
            InferenceRequest({
                modelId: MODEL_ID,
                input: images,
                callbackGas: 0,
                delivery: Delivery.Pull,
                deadline: deadline,
                feeToken: address(0),
                valueAtRiskWei: 0
            }),
            count
        );
        emit DigitsAsked(requestId, count);
    }

    /// @notice Takes one digit: anyone gives the item's output and its path, the oracle says whether they are the final ones.
    function takeDigit(RequestId requestId, uint256 item, bytes calldata output, bytes32[] calldata proof) external {
        if (!ORACLE.isItem(requestId, item, output, proof)) revert NotTheResult(requestId, item);
        // INVARIANT: an item's answer is one; who proves it again changes nothing.
        uint8 digit = DigitScores.best(output);
        _digits[requestId][item] = digit + 1;
        emit DigitTaken(requestId, item, digit);
    }

    function digitOf(RequestId requestId, uint256 item) external view returns (uint8) {
        uint8 digitPlusOne = _digits[requestId][item];
        if (digitPlusOne == 0) revert NotTakenYet(requestId, item);
        return digitPlusOne - 1;
    }
}
