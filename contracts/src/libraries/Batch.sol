// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssertionId, RequestId} from "../types/SuretyTypes.sol";

/// @title Numbers of answers, and of the items of a batch's answer, each of which is disputed by itself.
/// @notice | bits  | field                                                    |
/// | ----- | -------------------------------------------------------- |
/// | 0-7   | attempt                                                  |
/// | 8-55  | request                                                  |
/// | 56-63 | 0: the whole answer; otherwise the item, counted from 1  |
library Batch {
    uint256 private constant ITEM_SHIFT = 56;

    /// @notice The answer of a request at an attempt.
    function wholeOf(RequestId requestId, uint8 attempt) internal pure returns (AssertionId) {
        return AssertionId.wrap(RequestId.unwrap(requestId) * 256 + attempt);
    }

    /// @notice The answer that an item, or an answer itself, belongs to.
    function wholeOf(AssertionId assertionId) internal pure returns (AssertionId) {
        return AssertionId.wrap(AssertionId.unwrap(assertionId) & ((1 << ITEM_SHIFT) - 1));
    }

    /// @notice An item of an answer, counted from 0.
    function itemOf(AssertionId whole, uint256 item) internal pure returns (AssertionId) {
        return AssertionId.wrap(AssertionId.unwrap(whole) | (item + 1) << ITEM_SHIFT);
    }

    /// @notice Whether the number is an item's.
    function isItem(AssertionId assertionId) internal pure returns (bool) {
        return AssertionId.unwrap(assertionId) >> ITEM_SHIFT != 0;
    }

    /// @notice The request that an answer, or an item of it, is about.
    function requestOf(AssertionId assertionId) internal pure returns (RequestId) {
        return RequestId.wrap(AssertionId.unwrap(wholeOf(assertionId)) / 256);
    }
}
