// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Delivery} from "./SuretyTypes.sol";

/// @notice Which callbacks of a request are asked for, made and owed.
///
/// | bits | field                                                                        |
/// | ---- | ---------------------------------------------------------------------------- |
/// | 0-1  | mode: `Delivery`                                                             |
/// | 2    | told: the consumer took the current attempt's answer provisionally           |
/// | 3    | owed: the callback with the current answer failed, or waits for a revocation |
/// | 4    | revocation: what the consumer took was refuted, and it has not been told so  |
type DeliveryState is uint8;

using DeliveryStates for DeliveryState global;

/// @title Reading and changing a `DeliveryState`.
library DeliveryStates {
    uint8 private constant MODE = 3;
    uint8 private constant TOLD = 1 << 2;
    uint8 private constant OWED = 1 << 3;
    uint8 private constant REVOCATION = 1 << 4;

    function from(Delivery asked) internal pure returns (DeliveryState) {
        return DeliveryState.wrap(uint8(asked));
    }

    function mode(DeliveryState state) internal pure returns (Delivery) {
        return Delivery(DeliveryState.unwrap(state) & MODE);
    }

    function wantsProvisional(DeliveryState state) internal pure returns (bool) {
        Delivery asked = state.mode();
        return asked == Delivery.Provisional || asked == Delivery.Both;
    }

    function wantsFinal(DeliveryState state) internal pure returns (bool) {
        Delivery asked = state.mode();
        return asked == Delivery.Final || asked == Delivery.Both;
    }

    function isTold(DeliveryState state) internal pure returns (bool) {
        return DeliveryState.unwrap(state) & TOLD != 0;
    }

    function isOwed(DeliveryState state) internal pure returns (bool) {
        return DeliveryState.unwrap(state) & OWED != 0;
    }

    function isRevocationDue(DeliveryState state) internal pure returns (bool) {
        return DeliveryState.unwrap(state) & REVOCATION != 0;
    }

    /// @notice The state once a provisional callback succeeded.
    function told(DeliveryState state) internal pure returns (DeliveryState) {
        return _set(state, TOLD, OWED);
    }

    /// @notice The state once the callback with the current answer failed, or must wait.
    function owed(DeliveryState state) internal pure returns (DeliveryState) {
        return _set(state, OWED, 0);
    }

    /// @notice The state once the final callback succeeded.
    function delivered(DeliveryState state) internal pure returns (DeliveryState) {
        return _set(state, 0, OWED);
    }

    /// @notice The state once the current answer is refuted: who took it must hear of that, who did not never will.
    function refuted(DeliveryState state) internal pure returns (DeliveryState) {
        return _set(state, state.isTold() ? REVOCATION : 0, TOLD | OWED);
    }

    /// @notice The state once the consumer took the revocation.
    function revoked(DeliveryState state) internal pure returns (DeliveryState) {
        return _set(state, 0, REVOCATION);
    }

    function _set(DeliveryState state, uint8 on, uint8 off) private pure returns (DeliveryState) {
        return DeliveryState.wrap((DeliveryState.unwrap(state) & ~off) | on);
    }
}
