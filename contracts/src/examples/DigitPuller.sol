// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";
import {DigitScores} from "./DigitScores.sol";

/// @title Example: pays whoever wrote a seven, with an answer that it is handed and checks itself: no callback, so no gas to be guessed.
contract DigitPuller is SuretyConsumer {
    uint8 public constant WANTED = 7;

    event Claimed(RequestId indexed requestId, address indexed winner, uint256 prizeWei);

    /// @notice Thrown when a prize is claimed with an output that is not (yet) the request's final one.
    error NotTheAnswer(RequestId requestId);
    error AnotherDigit(uint8 actual, uint8 wanted);
    error NothingToClaim(RequestId requestId);
    error PrizeRefused(address winner);

    struct Entry {
        address writer;
        uint96 prizeWei;
    }

    ModelId public immutable modelId;
    mapping(RequestId requestId => Entry) private _entries;

    constructor(ISuretyOracle oracle_, ModelId modelId_) SuretyConsumer(oracle_) {
        modelId = modelId_;
    }

    /// @notice Asks for the digit in an image; what is paid above the fee is its writer's prize.
    function enter(bytes calldata image, uint40 deadline) external payable returns (RequestId requestId) {
        uint256 feeWei = ORACLE.quote(modelId, 0, Delivery.Pull, address(0), 0);
        requestId = _requestInference(modelId, image, 0, Delivery.Pull, deadline);
        _entries[requestId] = Entry(msg.sender, uint96(msg.value - feeWei));
    }

    /// @notice Pays the prize of an entry whose answer says seven. Anyone may call, with the answer as `Posted` shows it.
    function claim(RequestId requestId, bytes calldata output) external {
        Entry memory entry = _entries[requestId];
        if (entry.writer == address(0)) revert NothingToClaim(requestId);
        if (!ORACLE.isResult(requestId, output)) revert NotTheAnswer(requestId);
        uint8 digit = DigitScores.best(output);
        if (digit != WANTED) revert AnotherDigit(digit, WANTED);

        delete _entries[requestId];
        emit Claimed(requestId, entry.writer, entry.prizeWei);
        (bool sent,) = entry.writer.call{value: entry.prizeWei}("");
        if (!sent) revert PrizeRefused(entry.writer);
    }
}
