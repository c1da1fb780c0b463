// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssertionId, ModelId} from "../types/SuretyTypes.sol";
import {ICreditLedger} from "./ICreditLedger.sol";

/// @title Attention tests: watchers are paid for having run the model even when nobody ever lies.
/// @notice The secret of an assertion is its trace root: who has run the model knows it, and nobody else before the audit. Whether a watcher is asked
/// follows from its own address and the secret, so only who has run the model knows even that. docs/protocol.md has the game theory.
interface IAttentionTests is ICreditLedger {
    struct AttentionParameters {
        /// What a watcher puts up for each model; at least ten fines.
        uint96 watcherStakeWei;
        uint96 rewardWei;
        /// Of a watcher that was asked and is silent.
        uint96 fineWei;
        /// Of a poster that does not show its trace root when audited; at most a tenth of the assertion bond.
        uint96 posterFineWei;
        /// Of 10,000: how often a watcher is asked, how often an assertion is audited, what part of a fine goes to who shows it (at most half).
        uint16 askedBps;
        uint16 auditBps;
        uint16 bountyBps;
        /// Blocks after the post in which watchers commit themselves; at most 200.
        uint16 attentionBlocks;
        /// From the audit: how long the poster has to show its trace root, and then challengers at least to dispute it.
        uint32 revealSeconds;
        /// From the end of watching to the withdrawal.
        uint32 leaveSeconds;
    }

    struct Watcher {
        uint96 stakeWei;
        /// Watches what is posted after this block; 0: nothing.
        uint40 sinceBlock;
        /// And up to this one; 0: for good.
        uint40 untilBlock;
        uint40 withdrawableAt;
    }

    struct Audit {
        uint40 auditedAt;
        /// The poster had shown its trace root before it was asked to.
        bool leaked;
        bool posterFined;
    }

    event Funded(ModelId indexed modelId, address indexed from, uint256 amountWei);
    event WatchStarted(ModelId indexed modelId, address indexed watcher, uint256 stakeWei);
    event WatchEnded(ModelId indexed modelId, address indexed watcher, uint256 withdrawableAt);
    event Attended(AssertionId indexed assertionId, address indexed watcher, bytes32 commitment);
    event Audited(AssertionId indexed assertionId, uint256 revealBy);
    event PosterFined(AssertionId indexed assertionId, address indexed poster, address indexed shownBy);
    event WatcherRewarded(AssertionId indexed assertionId, address indexed watcher, uint256 rewardWei);
    event WatcherFined(AssertionId indexed assertionId, address indexed watcher, address indexed shownBy, uint256 fineWei);

    error NotStanding(AssertionId assertionId);
    error AlreadyWatching(ModelId modelId, address watcher);
    error NotWatching(ModelId modelId, address watcher);
    error StakeNotDue(uint256 withdrawableAt);
    error WrongStake(uint256 actualWei, uint256 requiredWei);
    error AttentionOpen(uint256 lastBlock);
    error AttentionOver(uint256 lastBlock);
    error AlreadyAttended(AssertionId assertionId, address watcher);
    error AlreadyAudited(AssertionId assertionId);
    /// @notice Thrown when chance has not chosen the assertion.
    error NotDrawn(AssertionId assertionId);
    /// @notice Thrown when the chain has forgotten the block that decides, or the window leaves too little time.
    error TooLateToAudit(AssertionId assertionId);
    /// @notice Thrown when a model's pool does not hold a whole reward: fill it and try again.
    error PoolTooLow(uint256 poolWei, uint256 rewardWei);
    error NothingToShow(AssertionId assertionId, address who);

    /// @notice Adds to what a model's watchers are paid from. Anyone may.
    function fund(ModelId modelId) external payable;
    /// @notice Begins to watch a model: pays what is missing to the stake.
    function watch(ModelId modelId) external payable;
    /// @notice Ends it for what is posted from the next block on.
    function stopWatching(ModelId modelId) external;
    /// @notice Credits the stake of a watch that ended long enough ago.
    function withdrawStake(ModelId modelId) external;
    /// @notice Shows attention to an assertion. @param commitment `commitmentOf` the caller and the trace root it has computed.
    function attend(AssertionId assertionId, bytes32 commitment) external;
    /// @notice Audits an assertion, if chance has chosen it: its poster must commit its trace (`IDisputeGame.commitTrace`) now. Anyone may.
    function audit(AssertionId assertionId) external;
    /// @notice Shows that an audited poster did not commit its trace in time, or too early. Anyone may, once it has enough free stake.
    function showPoster(AssertionId assertionId) external;
    /// @notice Pays a watcher that was asked and attended rightly, once the answer is final and the pool holds a whole reward. Anyone may.
    function reward(AssertionId assertionId, address watcher) external;
    /// @notice Fines a watcher that was asked and did not attend rightly, likewise; a part goes to the caller.
    function showWatcher(AssertionId assertionId, address watcher) external;

    function parameters() external view returns (AttentionParameters memory);
    /// @notice What running the model may cost a watcher for each assertion, for watching to pay: all gas reckoned at the oracle's `callbackGasPriceWei`,
    /// the audit's and the reward's its own.
    function coveredRunWei() external view returns (uint256 costWei);
    function poolOf(ModelId modelId) external view returns (uint256 amountWei);
    function watcherOf(ModelId modelId, address watcher) external view returns (Watcher memory);
    function auditOf(AssertionId assertionId) external view returns (Audit memory);
    /// @notice Whether a watcher is asked to attend to an assertion with this trace root.
    function isAsked(AssertionId assertionId, address watcher, bytes32 traceRoot) external view returns (bool);
    function commitmentOf(AssertionId assertionId, address watcher, bytes32 traceRoot) external pure returns (bytes32);
}
