// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Burn} from "../settle/Burn.sol";
import {OracleParameters} from "../types/OracleTypes.sol";
import {InvalidParameter} from "../types/SuretyTypes.sol";

/// @title What the oracle's parameters must be. Checked once, when the oracle is constructed.
library ParameterChecks {
    /// @notice Reverts `InvalidParameter` with the name of the first that breaks its bounds.
    function requireValid(
        address modelRegistry,
        address operatorRegistry,
        address disputeGame,
        OracleParameters memory p
    ) internal pure {
        if (modelRegistry == address(0)) revert InvalidParameter("modelRegistry", 0, 1);
        if (operatorRegistry == address(0)) revert InvalidParameter("operatorRegistry", 0, 1);
        if (disputeGame == address(0)) revert InvalidParameter("disputeGame", 0, 1);
        // The most that a request's stored bond holds.
        requireBetween("assertionBondWei", p.assertionBondWei, 1, type(uint80).max);
        requireBetween("maxAssertionBondWei", p.maxAssertionBondWei, p.assertionBondWei, type(uint80).max);
        requireBetween("challengeWindowSeconds", p.challengeWindowSeconds, 1, 30 days);
        requireBetween("maxChallengeWindowSeconds", p.maxChallengeWindowSeconds, p.challengeWindowSeconds, 30 days);
        requireBetween("bondBps", p.bondBps, 1, Burn.BPS);
        requireBetween("baseFeeWei", p.baseFeeWei, 0, type(uint96).max);
        requireBetween("callbackGasPriceWei", p.callbackGasPriceWei, 0, type(uint64).max);
        // INVARIANT: an answer that is there already never costs more than a new one.
        requireBetween("reuseFeeBps", p.reuseFeeBps, 0, Burn.BPS);
        requireBetween("burnBps", p.burnBps, 1, Burn.BPS);
        requireBetween("exclusiveSeconds", p.exclusiveSeconds, 1, 30 days);
        // The penalty is a nudge, not a slash: whoever is drawn first has had a whole bond free and can bear it.
        requireBetween("missedTurnPenaltyWei", p.missedTurnPenaltyWei, 0, p.assertionBondWei / 10);
    }

    function requireBetween(string memory name, uint256 actual, uint256 least, uint256 most) internal pure {
        if (actual < least) revert InvalidParameter(name, actual, least);
        if (actual > most) revert InvalidParameter(name, actual, most);
    }
}
