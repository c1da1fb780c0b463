// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {GameCost} from "../dispute/GameCost.sol";
import {IAttentionTests} from "../interfaces/IAttentionTests.sol";
import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Burn} from "../settle/Burn.sol";
import {CreditLedger} from "../settle/CreditLedger.sol";
import {LeastTimes} from "../types/LeastTimes.sol";
import {AssertionView, OracleParameters} from "../types/OracleTypes.sol";
import {AssertionId, InvalidParameter, ModelId, RequestId} from "../types/SuretyTypes.sol";

/// @title Attention tests.
/// @dev Calls only Surety's own contracts. Nothing here can hold up, or change, what becomes of an answer.
contract AttentionTests is IAttentionTests, CreditLedger {
    bytes32 private constant ASKED = keccak256("Surety attention: asked");
    bytes32 private constant ATTENDED = keccak256("Surety attention: attended");
    /// Bounds of the gas of a call, held against what is measured by a test.
    uint256 private constant ATTEND_GAS = 70_000;
    uint256 private constant AUDIT_GAS = 90_000;
    uint256 private constant REWARD_GAS = 115_000;
    uint256 private constant SHOW_GAS = 140_000;
    /// A trace of a model with as many outputs as there can be.
    uint256 private constant COMMIT_GAS = GameCost.COMMIT + 64 * GameCost.COMMIT_OUTPUT;
    /// In place of a commitment: rewarded, or fined.
    bytes32 private constant SETTLED = bytes32(uint256(1));

    ISuretyOracle private immutable ORACLE;
    IOperatorRegistry private immutable OPERATORS;
    IDisputeGame private immutable GAME;
    uint96 private immutable WATCHER_STAKE_WEI;
    uint96 private immutable REWARD_WEI;
    uint96 private immutable FINE_WEI;
    uint96 private immutable POSTER_FINE_WEI;
    uint16 private immutable ASKED_BPS;
    uint16 private immutable AUDIT_BPS;
    uint16 private immutable BOUNTY_BPS;
    uint16 private immutable ATTENTION_BLOCKS;
    uint32 private immutable REVEAL_SECONDS;
    uint32 private immutable LEAVE_SECONDS;
    /// What the deployment reckons a unit of gas at.
    uint128 private immutable GAS_PRICE_WEI;

    mapping(ModelId modelId => uint256 amountWei) private _pools;
    mapping(ModelId modelId => mapping(address watcher => Watcher)) private _watchers;
    mapping(AssertionId assertionId => Audit) private _audits;
    mapping(AssertionId assertionId => mapping(address watcher => bytes32 commitment)) private _commitments;

    /// @dev Deployed after the dispute game, where the operator registry expects it.
    constructor(ISuretyOracle oracle, AttentionParameters memory p) {
        ORACLE = oracle;
        OPERATORS = IOperatorRegistry(oracle.operatorRegistry());
        GAME = IDisputeGame(oracle.disputeGame());
        IOperatorRegistry.OperatorParameters memory ofOperators = OPERATORS.parameters();
        if (ofOperators.attention != address(this)) revert InvalidParameter("operatorRegistry.attention", 0, 1);
        OracleParameters memory ofOracle = oracle.parameters();
        _checkIncentives(p, ofOracle.callbackGasPriceWei);
        // Who watches can bear the fines of several assertions that are open at once.
        _atLeast("watcherStakeWei", p.watcherStakeWei, 10 * uint256(p.fineWei));
        _atMost("posterFineWei", p.posterFineWei, ofOperators.assertionBondWei / 10);
        _atLeast("attentionBlocks", p.attentionBlocks, 1);
        _atMost("attentionBlocks", p.attentionBlocks, 200);
        _atLeast("revealSeconds", p.revealSeconds, LeastTimes.extension());
        _atMost("revealSeconds", p.revealSeconds, ofOracle.challengeWindowSeconds / 2);
        // INVARIANT: a watcher's stake outlasts every test of it.
        _atLeast(
            "leaveSeconds", p.leaveSeconds, ofOracle.maxChallengeWindowSeconds + GAME.maxGameSeconds() + 1 hours
        );
        WATCHER_STAKE_WEI = p.watcherStakeWei;
        REWARD_WEI = p.rewardWei;
        FINE_WEI = p.fineWei;
        POSTER_FINE_WEI = p.posterFineWei;
        ASKED_BPS = p.askedBps;
        AUDIT_BPS = p.auditBps;
        BOUNTY_BPS = p.bountyBps;
        ATTENTION_BLOCKS = p.attentionBlocks;
        REVEAL_SECONDS = p.revealSeconds;
        LEAVE_SECONDS = p.leaveSeconds;
        GAS_PRICE_WEI = ofOracle.callbackGasPriceWei;
    }

    /// @dev Whether watching pays, showing who did not pays, and a poster loses more by silence than by its trace: at the price that the oracle
    /// reckons gas at. What running the model costs the chain cannot know: `coveredRunWei` says what it may.
    function _checkIncentives(AttentionParameters memory p, uint256 gasPriceWei) private pure {
        _atLeast("askedBps", p.askedBps, 1);
        _atMost("askedBps", p.askedBps, Burn.BPS);
        _atLeast("auditBps", p.auditBps, 1);
        _atMost("auditBps", p.auditBps, Burn.BPS);
        // INVARIANT: watching pays who has run the model: p (reward - gas of the audit and of the reward) > gas of attending.
        uint256 attendWei = (ATTEND_GAS * gasPriceWei * Burn.BPS + p.auditBps - 1) / p.auditBps;
        _atLeast("rewardWei", p.rewardWei, attendWei + (AUDIT_GAS + REWARD_GAS) * gasPriceWei + 1);
        // INVARIANT: silence is shown: the bounty pays its gas. And showing oneself still costs half of the fine.
        _atLeast("bountyBps", p.bountyBps, 1);
        _atMost("bountyBps", p.bountyBps, Burn.BPS / 2);
        uint256 leastFineWei = (SHOW_GAS * gasPriceWei + 1) * Burn.BPS;
        leastFineWei = (leastFineWei + p.bountyBps - 1) / p.bountyBps;
        _atLeast("fineWei", p.fineWei, leastFineWei);
        // INVARIANT: an audited poster shows its trace, for silence costs it more; and silence is shown.
        uint256 commitWei = COMMIT_GAS * gasPriceWei + 1;
        _atLeast("posterFineWei", p.posterFineWei, commitWei < leastFineWei ? leastFineWei : commitWei);
    }

    function _atLeast(string memory name, uint256 actual, uint256 bound) private pure {
        if (actual < bound) revert InvalidParameter(name, actual, bound);
    }

    function _atMost(string memory name, uint256 actual, uint256 bound) private pure {
        if (actual > bound) revert InvalidParameter(name, actual, bound);
    }

    /// @inheritdoc IAttentionTests
    function fund(ModelId modelId) external payable {
        _pools[modelId] += msg.value;
        emit Funded(modelId, msg.sender, msg.value);
    }

    /// @inheritdoc IAttentionTests
    function watch(ModelId modelId) external payable {
        Watcher storage watcher = _watchers[modelId][msg.sender];
        // A watch that has ended is first paid out, so that no test of it is forgotten.
        if (watcher.sinceBlock != 0) revert AlreadyWatching(modelId, msg.sender);
        if (msg.value != WATCHER_STAKE_WEI) revert WrongStake(msg.value, WATCHER_STAKE_WEI);

        watcher.stakeWei = uint96(msg.value);
        watcher.sinceBlock = uint40(block.number);
        emit WatchStarted(modelId, msg.sender, msg.value);
    }

    /// @inheritdoc IAttentionTests
    function stopWatching(ModelId modelId) external {
        Watcher storage watcher = _watchers[modelId][msg.sender];
        if (watcher.sinceBlock == 0 || watcher.untilBlock != 0) revert NotWatching(modelId, msg.sender);

        watcher.untilBlock = uint40(block.number);
        watcher.withdrawableAt = uint40(block.timestamp + LEAVE_SECONDS);
        emit WatchEnded(modelId, msg.sender, watcher.withdrawableAt);
    }

    /// @inheritdoc IAttentionTests
    function withdrawStake(ModelId modelId) external {
        Watcher memory watcher = _watchers[modelId][msg.sender];
        if (watcher.untilBlock == 0) revert NotWatching(modelId, msg.sender);
        if (block.timestamp < watcher.withdrawableAt) revert StakeNotDue(watcher.withdrawableAt);

        delete _watchers[modelId][msg.sender];
        _credit(msg.sender, watcher.stakeWei);
    }

    /// @inheritdoc IAttentionTests
    function attend(AssertionId assertionId, bytes32 commitment) external {
        uint256 lastBlock = _standing(assertionId).postedBlock + ATTENTION_BLOCKS;
        if (block.number > lastBlock) revert AttentionOver(lastBlock);
        if (_commitments[assertionId][msg.sender] != 0) revert AlreadyAttended(assertionId, msg.sender);

        _commitments[assertionId][msg.sender] = commitment;
        emit Attended(assertionId, msg.sender, commitment);
    }

    /// @inheritdoc IAttentionTests
    function audit(AssertionId assertionId) external {
        AssertionView memory assertion = _standing(assertionId);
        uint256 lastBlock = assertion.postedBlock + ATTENTION_BLOCKS;
        if (block.number <= lastBlock) revert AttentionOpen(lastBlock);
        if (_audits[assertionId].auditedAt != 0) revert AlreadyAudited(assertionId);
        bytes32 hash = blockhash(lastBlock);
        // INVARIANT: a false trace root can still be disputed when it is shown in the last second.
        uint256 endsAt = block.timestamp + 2 * uint256(REVEAL_SECONDS);
        if (hash == 0 || endsAt > assertion.windowEndsAt) revert TooLateToAudit(assertionId);
        if (_falls(keccak256(abi.encode(hash, assertionId)), AUDIT_BPS) == false) revert NotDrawn(assertionId);
        // INVARIANT: nobody must show a trace that it cannot have: a batch has none as a whole.
        (,,,, bool hasTrace) = ORACLE.claimOf(assertionId);
        if (!hasTrace) revert NothingToShow(assertionId, assertion.poster);
        bool isKnown = GAME.traceCommittedAt(assertionId) != 0;
        // A poster that was challenged had to show it: there is no secret, and nobody to blame. One whose answer may be final before its
        // window is over might not be able to.
        bool isEarly = ORACLE.earlyFinalityOf(RequestId.wrap(AssertionId.unwrap(assertionId) / 256)) != address(0);
        if (isEarly || (isKnown && GAME.wasTraceDemanded(assertionId))) {
            revert NothingToShow(assertionId, assertion.poster);
        }

        _audits[assertionId] = Audit(uint40(block.timestamp), isKnown, false);
        emit Audited(assertionId, block.timestamp + REVEAL_SECONDS);
    }

    /// @inheritdoc IAttentionTests
    function showPoster(AssertionId assertionId) external nonReentrant {
        Audit storage audited = _audits[assertionId];
        AssertionView memory assertion = ORACLE.assertionOf(assertionId);
        uint256 committedAt = GAME.traceCommittedAt(assertionId);
        uint256 revealBy = uint256(audited.auditedAt) + REVEAL_SECONDS;
        bool isSilent = block.timestamp > revealBy && (committedAt == 0 || committedAt > revealBy);
        bool isDue = audited.auditedAt != 0 && !audited.posterFined && !assertion.refuted && (audited.leaked || isSilent);
        // Who has all its stake locked has some free when this answer is final.
        if (!isDue || OPERATORS.freeStakeWei(assertion.poster) < POSTER_FINE_WEI) {
            revert NothingToShow(assertionId, assertion.poster);
        }

        audited.posterFined = true;
        emit PosterFined(assertionId, assertion.poster, msg.sender);
        OPERATORS.fine(assertion.poster, POSTER_FINE_WEI, msg.sender, uint256(POSTER_FINE_WEI) * BOUNTY_BPS / Burn.BPS);
    }

    /// @inheritdoc IAttentionTests
    function reward(AssertionId assertionId, address watcher) external {
        (ModelId modelId, bool isRight) = _tested(assertionId, watcher);
        if (!isRight) revert NothingToShow(assertionId, watcher);

        // INVARIANT: nobody can have a watcher settled for less than it was promised: it waits until the pool is filled again.
        uint256 poolWei = _pools[modelId];
        if (poolWei < REWARD_WEI) revert PoolTooLow(poolWei, REWARD_WEI);

        _commitments[assertionId][watcher] = SETTLED;
        _pools[modelId] = poolWei - REWARD_WEI;
        _credit(watcher, REWARD_WEI);
        emit WatcherRewarded(assertionId, watcher, REWARD_WEI);
    }

    /// @inheritdoc IAttentionTests
    function showWatcher(AssertionId assertionId, address watcher) external {
        (ModelId modelId, bool isRight) = _tested(assertionId, watcher);
        if (isRight) revert NothingToShow(assertionId, watcher);

        _commitments[assertionId][watcher] = SETTLED;
        _watchers[modelId][watcher].stakeWei -= FINE_WEI;
        uint256 bountyWei = uint256(FINE_WEI) * BOUNTY_BPS / Burn.BPS;
        _pools[modelId] += FINE_WEI - bountyWei;
        _credit(msg.sender, bountyWei);
        emit WatcherFined(assertionId, watcher, msg.sender, FINE_WEI);
    }

    /// @dev Whether a watcher that was asked has attended rightly. Reverts where there is no test: not audited, not final, the trace root not shown in
    /// time, the watcher not asked or not watching, or settled. INVARIANT: a refuted assertion tests nobody.
    function _tested(AssertionId assertionId, address who) private view returns (ModelId modelId, bool isRight) {
        AssertionView memory assertion = ORACLE.assertionOf(assertionId);
        uint256 auditedAt = _audits[assertionId].auditedAt;
        uint256 committedAt = GAME.traceCommittedAt(assertionId);
        bool isShown = auditedAt != 0 && committedAt >= auditedAt && committedAt <= auditedAt + REVEAL_SECONDS
            && !_audits[assertionId].leaked;
        if (!isShown || !assertion.finalised) revert NothingToShow(assertionId, who);
        (, modelId,,,) = ORACLE.claimOf(assertionId);
        Watcher memory watcher = _watchers[modelId][who];
        bool isWatching = watcher.sinceBlock != 0 && watcher.sinceBlock < assertion.postedBlock
            && (watcher.untilBlock == 0 || watcher.untilBlock >= assertion.postedBlock) && watcher.stakeWei >= FINE_WEI;
        bytes32 root = GAME.traceRootOf(assertionId);
        bytes32 commitment = _commitments[assertionId][who];
        if (!isWatching || commitment == SETTLED || !isAsked(assertionId, who, root)) {
            revert NothingToShow(assertionId, who);
        }
        isRight = commitment == commitmentOf(assertionId, who, root);
    }

    function _standing(AssertionId assertionId) private view returns (AssertionView memory assertion) {
        assertion = ORACLE.assertionOf(assertionId);
        if (assertion.poster == address(0) || assertion.refuted || assertion.finalised) revert NotStanding(assertionId);
    }

    function _falls(bytes32 hash, uint256 bps) private pure returns (bool) {
        return uint256(hash) % Burn.BPS < bps;
    }

    /// @inheritdoc IAttentionTests
    function isAsked(AssertionId assertionId, address watcher, bytes32 traceRoot) public view returns (bool) {
        return _falls(keccak256(abi.encode(ASKED, assertionId, watcher, traceRoot)), ASKED_BPS);
    }

    /// @inheritdoc IAttentionTests
    function commitmentOf(AssertionId assertionId, address watcher, bytes32 traceRoot) public pure returns (bytes32) {
        return keccak256(abi.encode(ATTENDED, assertionId, watcher, traceRoot));
    }

    /// @inheritdoc IAttentionTests
    function parameters() external view returns (AttentionParameters memory) {
        return AttentionParameters({
            watcherStakeWei: WATCHER_STAKE_WEI,
            rewardWei: REWARD_WEI,
            fineWei: FINE_WEI,
            posterFineWei: POSTER_FINE_WEI,
            askedBps: ASKED_BPS,
            auditBps: AUDIT_BPS,
            bountyBps: BOUNTY_BPS,
            attentionBlocks: ATTENTION_BLOCKS,
            revealSeconds: REVEAL_SECONDS,
            leaveSeconds: LEAVE_SECONDS
        });
    }

    /// @inheritdoc IAttentionTests
    function coveredRunWei() external view returns (uint256 costWei) {
        uint256 claimedWei = REWARD_WEI - (AUDIT_GAS + REWARD_GAS) * GAS_PRICE_WEI;
        // In parts of 10,000 x 10,000: the constructor has seen that it is positive.
        return ASKED_BPS * (AUDIT_BPS * claimedWei - ATTEND_GAS * GAS_PRICE_WEI * Burn.BPS) / Burn.BPS ** 2;
    }

    /// @inheritdoc IAttentionTests
    function poolOf(ModelId modelId) external view returns (uint256 amountWei) {
        return _pools[modelId];
    }

    /// @inheritdoc IAttentionTests
    function watcherOf(ModelId modelId, address watcher) external view returns (Watcher memory) {
        return _watchers[modelId][watcher];
    }

    /// @inheritdoc IAttentionTests
    function auditOf(AssertionId assertionId) external view returns (Audit memory) {
        return _audits[assertionId];
    }
}
