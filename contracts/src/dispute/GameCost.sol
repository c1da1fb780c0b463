// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Bounds of the gas of a game's moves, each in a transaction of its own, all storage cold. The tests hold them against what is measured.
library GameCost {
    uint256 internal constant OPEN = 140_000;
    /// An item of a batch is shown before a game on it is opened.
    uint256 internal constant SHOW_ITEM = 150_000;
    uint256 internal constant COMMIT = 220_000;
    /// And for each output of the model.
    uint256 internal constant COMMIT_OUTPUT = 50_000;
    uint256 internal constant REVEAL = 130_000;
    uint256 internal constant REVEAL_BYTES = 110_000;
    uint256 internal constant SELECT = 80_000;
    uint256 internal constant SELECT_TENSOR = 400_000;
    uint256 internal constant STEP = 1_000_000;
}
