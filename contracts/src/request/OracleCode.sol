// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracleBase} from "../interfaces/IOracleBase.sol";

/// @title Code that is the oracle's, though it stands elsewhere.
abstract contract OracleCode is IOracleBase {
    address private immutable SELF = address(this);

    /// @dev INVARIANT: only the oracle asks, takes money and stores: here nobody could get it back. What needs a request finds none here.
    modifier onlyAsOracle() {
        if (address(this) == SELF) revert CalledDirectly(SELF);
        _;
    }
}
