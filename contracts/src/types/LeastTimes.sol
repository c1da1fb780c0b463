// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title The shortest times that a deployment may have. Shorter ones would make every answer final, or every turn lost, before anybody could act.
/// @dev A challenger must see an answer, run the model and have a transaction mined within the window; a side must see a move and reply within the extension.
library LeastTimes {
    /// @notice The chain id of development chains (Hardhat, Anvil), where a second is enough: nothing there is worth anything.
    uint256 internal constant DEVELOPMENT_CHAIN = 31_337;
    /// 25 blocks of 12 seconds.
    uint256 private constant WINDOW_SECONDS = 5 minutes;
    /// 5 blocks of 12 seconds.
    uint256 private constant EXTENSION_SECONDS = 1 minutes;

    /// @notice Of the challenge window.
    function window() internal view returns (uint256 leastSeconds) {
        return block.chainid == DEVELOPMENT_CHAIN ? 1 : WINDOW_SECONDS;
    }

    /// @notice Of a turn in a dispute, and of an audited poster's time to show its trace.
    function extension() internal view returns (uint256 leastSeconds) {
        return block.chainid == DEVELOPMENT_CHAIN ? 1 : EXTENSION_SECONDS;
    }
}
