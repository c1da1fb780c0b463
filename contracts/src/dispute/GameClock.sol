// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputeGame} from "../interfaces/IDisputeGame.sol";

/// @title Chess clocks with an extension. Whose turn it is follows from when the node in dispute was selected and when it was revealed.
library GameClock {
    /// @notice The clocks as they stand now. `endsAt` is the last second in which the side to move may move.
    struct Reading {
        IDisputeGame.Turn turn;
        uint256 endsAt;
        uint256 posterSecondsLeft;
        uint256 challengerSecondsLeft;
    }

    /// @notice Reads the clocks of a live game.
    /// @param selectedAt When the challenger moved last.
    /// @param revealedAt When what the poster owes was revealed; 0 while it is not.
    /// @param posterSecondsLeft As they stood at `selectedAt`.
    /// @param challengerSecondsLeft As they stood at `selectedAt`.
    function read(
        uint256 selectedAt,
        uint256 revealedAt,
        uint256 posterSecondsLeft,
        uint256 challengerSecondsLeft,
        uint256 extensionSeconds
    ) internal view returns (Reading memory reading) {
        uint256 turnBegan = selectedAt;
        if (revealedAt == 0 || revealedAt > selectedAt) {
            // The poster has, or had, a turn.
            uint256 posterEndsAt = selectedAt + _atLeast(posterSecondsLeft, extensionSeconds);
            uint256 until = revealedAt == 0 ? block.timestamp : revealedAt;
            // INVARIANT: a poster that reveals after its clock ran out has lost all the same.
            if (until > posterEndsAt) {
                return Reading(IDisputeGame.Turn.PosterTimedOut, posterEndsAt, 0, challengerSecondsLeft);
            }
            posterSecondsLeft = posterEndsAt - until;
            if (revealedAt == 0) {
                return Reading(IDisputeGame.Turn.Poster, posterEndsAt, posterSecondsLeft, challengerSecondsLeft);
            }
            turnBegan = revealedAt;
        }
        uint256 endsAt = turnBegan + _atLeast(challengerSecondsLeft, extensionSeconds);
        if (block.timestamp > endsAt) {
            return Reading(IDisputeGame.Turn.ChallengerTimedOut, endsAt, posterSecondsLeft, 0);
        }
        return Reading(IDisputeGame.Turn.Challenger, endsAt, posterSecondsLeft, endsAt - block.timestamp);
    }

    function _atLeast(uint256 secondsLeft, uint256 extensionSeconds) private pure returns (uint256) {
        return secondsLeft < extensionSeconds ? extensionSeconds : secondsLeft;
    }
}
