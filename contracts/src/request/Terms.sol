// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Burn} from "../settle/Burn.sol";
import {InvalidParameter} from "../types/SuretyTypes.sol";

/// @title How much an answer is bonded with and how long it can be challenged, by what it puts at risk.
/// @dev bond = valueAtRisk x bondBps, at least `assertionBondWei`; the window grows with the bond, in a straight line from the shortest at the
/// least bond to the longest at the most. So the bond alone is stored.
abstract contract Terms is ISuretyOracle {
    uint256 internal immutable ASSERTION_BOND_WEI;
    uint256 internal immutable MAX_ASSERTION_BOND_WEI;
    uint256 internal immutable CHALLENGE_WINDOW_SECONDS;
    uint256 internal immutable MAX_CHALLENGE_WINDOW_SECONDS;
    uint256 internal immutable BOND_BPS;

    constructor(OracleParameters memory parameters_) {
        (uint256 bond, uint256 maxBond) = (parameters_.assertionBondWei, parameters_.maxAssertionBondWei);
        (uint256 window, uint256 maxWindow) =
            (parameters_.challengeWindowSeconds, parameters_.maxChallengeWindowSeconds);
        // The most that a request's stored bond holds.
        _requireBetween("assertionBondWei", bond, 1, type(uint80).max);
        _requireBetween("maxAssertionBondWei", maxBond, bond, type(uint80).max);
        _requireBetween("challengeWindowSeconds", window, 1, 30 days);
        _requireBetween("maxChallengeWindowSeconds", maxWindow, window, 30 days);
        _requireBetween("bondBps", parameters_.bondBps, 1, Burn.BPS);
        ASSERTION_BOND_WEI = bond;
        MAX_ASSERTION_BOND_WEI = maxBond;
        CHALLENGE_WINDOW_SECONDS = window;
        MAX_CHALLENGE_WINDOW_SECONDS = maxWindow;
        BOND_BPS = parameters_.bondBps;
    }

    /// @inheritdoc ISuretyOracle
    function termsOf(uint128 valueAtRiskWei) external view returns (uint256 bondWei, uint256 windowSeconds) {
        bondWei = _bondOf(valueAtRiskWei);
        windowSeconds = _windowOf(bondWei);
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
    function _windowOf(uint256 bondWei) internal view returns (uint256 windowSeconds) {
        uint256 above = bondWei - ASSERTION_BOND_WEI;
        if (above == 0) return CHALLENGE_WINDOW_SECONDS;
        uint256 range = MAX_ASSERTION_BOND_WEI - ASSERTION_BOND_WEI;
        uint256 longer = above * (MAX_CHALLENGE_WINDOW_SECONDS - CHALLENGE_WINDOW_SECONDS);
        return CHALLENGE_WINDOW_SECONDS + (longer + range - 1) / range;
    }

    function _requireBetween(string memory name, uint256 actual, uint256 least, uint256 most) internal pure {
        if (actual < least) revert InvalidParameter(name, actual, least);
        if (actual > most) revert InvalidParameter(name, actual, most);
    }
}
