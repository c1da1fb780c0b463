// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracleBase} from "../interfaces/IOracleBase.sol";
import {Burn} from "../settle/Burn.sol";
import {OracleParameters} from "../types/OracleTypes.sol";

/// @title How much an answer is bonded with and how long it can be challenged, by what it puts at risk.
/// @dev bond = valueAtRisk x bondBps, at least `assertionBondWei`; the window grows with the bond, in a straight line from the shortest at the
/// least bond to the longest at the most. So the bond alone is stored.
abstract contract Terms is IOracleBase {
    uint256 internal immutable ASSERTION_BOND_WEI;
    uint256 internal immutable MAX_ASSERTION_BOND_WEI;
    uint256 internal immutable CHALLENGE_WINDOW_SECONDS;
    uint256 internal immutable MAX_CHALLENGE_WINDOW_SECONDS;
    uint256 internal immutable BOND_BPS;

    constructor(OracleParameters memory parameters_) {
        ASSERTION_BOND_WEI = parameters_.assertionBondWei;
        MAX_ASSERTION_BOND_WEI = parameters_.maxAssertionBondWei;
        CHALLENGE_WINDOW_SECONDS = parameters_.challengeWindowSeconds;
        MAX_CHALLENGE_WINDOW_SECONDS = parameters_.maxChallengeWindowSeconds;
        BOND_BPS = parameters_.bondBps;
    }

    function _bondOf(uint128 valueAtRiskWei) internal view returns (uint256 bondWei) {
        bondWei = (uint256(valueAtRiskWei) * BOND_BPS + Burn.BPS - 1) / Burn.BPS;
        // INVARIANT: nobody is promised more security than there is.
        if (bondWei > MAX_ASSERTION_BOND_WEI) {
            revert ValueAtRiskTooHigh(valueAtRiskWei, MAX_ASSERTION_BOND_WEI * Burn.BPS / BOND_BPS);
        }
        if (bondWei < ASSERTION_BOND_WEI) bondWei = ASSERTION_BOND_WEI;
    }

    /// @dev Rounded up.
    function _windowOf(uint256 bondWei) internal view virtual returns (uint256 windowSeconds) {
        uint256 above = bondWei - ASSERTION_BOND_WEI;
        if (above == 0) return CHALLENGE_WINDOW_SECONDS;
        uint256 range = MAX_ASSERTION_BOND_WEI - ASSERTION_BOND_WEI;
        uint256 longer = above * (MAX_CHALLENGE_WINDOW_SECONDS - CHALLENGE_WINDOW_SECONDS);
        return CHALLENGE_WINDOW_SECONDS + (longer + range - 1) / range;
    }
}
