// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {IStepReferee} from "../interfaces/IStepReferee.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Batch} from "../libraries/Batch.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Question} from "../libraries/Question.sol";
import {Burn} from "../settle/Burn.sol";
import {AssertionId, GameId, ModelHeader, ModelId, QuestionMismatch} from "../types/SuretyTypes.sol";
import {GameStore} from "./GameStore.sol";
import {OutputProof} from "./OutputProof.sol";

/// @title The dispute game.
/// @dev Calls only Surety's own contracts, never a consumer's.
contract DisputeGame is GameStore {
    constructor(address oracle_, address stepReferee_, GameParameters memory parameters_)
        GameStore(oracle_, stepReferee_, parameters_)
    {}

    /// @inheritdoc IDisputeGame
    function open(AssertionId assertionId, bytes32 question, bytes32 outputRoot)
        external
        payable
        nonReentrant
        returns (GameId gameId)
    {
        if (msg.value != CHALLENGE_BOND_WEI) revert WrongBond(msg.value, CHALLENGE_BOND_WEI);
        gameId = gameIdOf(assertionId, question, outputRoot, msg.sender);
        Game storage game = _games[gameId];
        if (game.phase != Phase.None) revert GameExists(gameId);
        // INVARIANT: a reorg cannot turn a game on a right answer.
        (bytes32 actualQuestion, bytes32 actualRoot) = ISuretyOracle(oracle).onGameOpened(assertionId);
        if (actualQuestion != question) revert QuestionMismatch(question, actualQuestion);
        if (actualRoot != outputRoot) revert HashMismatch(outputRoot, actualRoot);

        Trace storage trace = _traces[assertionId];
        if (trace.committedAt == 0) trace.wasDemanded = true;
        game.challenger = msg.sender;
        game.assertionId = uint64(AssertionId.unwrap(assertionId));
        game.phase = Phase.Commit;
        game.posterSecondsLeft = CLOCK_SECONDS;
        game.challengerSecondsLeft = CLOCK_SECONDS;
        game.selectedAt = uint40(block.timestamp);
        emit GameOpened(gameId, assertionId, msg.sender);
    }

    /// @inheritdoc IDisputeGame
    function commitTrace(
        AssertionId assertionId,
        bytes32 question,
        bytes32 traceRoot,
        ModelHeader calldata header,
        bytes32[] calldata outputRoots,
        bytes32[] calldata outputProof,
        bytes32[] calldata children
    ) external nonReentrant {
        (address poster, ModelId modelId, bytes32 inputRoot, bytes32 outputRoot, bool disputable) =
            ISuretyOracle(oracle).claimOf(assertionId);
        if (!disputable) revert NotDisputable(assertionId);
        if (msg.sender != poster) revert NotPoster(msg.sender, poster);
        // INVARIANT: a reorg cannot make an honest trace a wrong one.
        Question.requireNamed(question, modelId, inputRoot);
        Trace storage trace = _traces[assertionId];
        // INVARIANT: the poster's tree is the only commitment, and there is one.
        if (trace.committedAt != 0) revert AlreadyCommitted(assertionId);
        _requireHeader(header, modelId);
        bytes32 listed = MerkleTree.listHash(outputRoots);
        if (listed != outputRoot) revert HashMismatch(listed, outputRoot);
        Walk memory top;
        top.leaves = header.instructionCount;
        top.height = uint32(MerkleTree.heightOf(header.instructionCount));
        top.node = traceRoot;
        _checkChildren(top, children);
        if (!OutputProof.verify(traceRoot, top.height, header.outputs, outputRoots, outputProof)) {
            revert OutputNotInTrace();
        }

        trace.root = traceRoot;
        trace.committedAt = uint40(block.timestamp);
        trace.instructionCount = header.instructionCount;
        emit TraceCommitted(assertionId, traceRoot);
        emit NodeRevealed(assertionId, false, 0, top.height, 0, children);
    }

    /// @inheritdoc IDisputeGame
    function reveal(GameId gameId, bytes32 node, bytes32[] calldata children) external nonReentrant {
        Walk memory walk = _postersMove(gameId, node);
        if (_levels(walk) == 0) revert WrongHeight(walk.height);
        _checkChildren(walk, children);

        _noteReveal(walk);
        emit NodeRevealed(walk.assertionId, walk.inTensor, walk.instruction, walk.height, walk.position, children);
    }

    /// @inheritdoc IDisputeGame
    function revealBytes(GameId gameId, bytes32 node, bytes calldata data) external nonReentrant {
        Walk memory walk = _postersMove(gameId, node);
        if (!walk.inTensor) revert WrongPhase(walk.phase, Phase.Tensor);
        if (walk.height > BYTES_HEIGHT) revert WrongHeight(walk.height);
        uint256 first = (uint256(walk.position) << walk.height) * MerkleTree.LEAF_BYTES;
        uint256 expected = _games[gameId].tensorBytes - first;
        uint256 most = MerkleTree.LEAF_BYTES << walk.height;
        if (expected > most) expected = most;
        if (data.length != expected) revert WrongByteCount(data.length, expected);
        bytes32 root = MerkleTree.tensorRoot(data);
        // At a tensor's end the bytes may be fewer than fill the node: beyond them there are zeros.
        for (uint256 height = MerkleTree.tensorHeight(expected); height < walk.height; ++height) {
            root = MerkleTree.node(root, 0);
        }
        if (root != node) revert HashMismatch(root, node);

        _noteReveal(walk);
        emit BytesRevealed(walk.assertionId, walk.instruction, walk.height, walk.position, data);
    }

    /// @inheritdoc IDisputeGame
    function select(GameId gameId, bytes32 node, uint32 child, bytes32 childHash, bytes32[] calldata proof)
        external
        nonReentrant
    {
        Walk memory walk = _challengersMove(gameId, node);
        uint256 levels = _levels(walk);
        // A single tensor is picked by selectTensor, bytes are judged by step.
        if (levels == 0 || (!walk.inTensor && walk.height == levels)) revert WrongHeight(walk.height);
        uint32 position = _pick(walk, levels, child, childHash, proof);

        Game storage game = _games[gameId];
        uint32 height = uint32(walk.height - levels);
        game.phase = walk.phase;
        game.node = childHash;
        game.height = uint8(height);
        game.position = position;
        _pressClock(game, walk);
        emit NodeSelected(gameId, walk.inTensor, walk.instruction, height, position, childHash);
    }

    /// @inheritdoc IDisputeGame
    function selectTensor(
        GameId gameId,
        bytes32 node,
        uint32 child,
        bytes32 childHash,
        bytes32[] calldata proof,
        ModelHeader calldata header,
        bytes calldata instruction,
        bytes32[] calldata instructionProof
    ) external nonReentrant {
        Walk memory walk = _challengersMove(gameId, node);
        if (walk.inTensor) revert WrongPhase(walk.phase, Phase.Trace);
        uint256 levels = _levels(walk);
        if (walk.height != levels) revert WrongHeight(walk.height);
        uint32 index = _pick(walk, levels, child, childHash, proof);
        (, ModelId modelId,,,) = ISuretyOracle(oracle).claimOf(walk.assertionId);
        _requireHeader(header, modelId);
        bytes32 instructionHash = MerkleTree.leaf(instruction);
        uint256 programHeight = MerkleTree.heightOf(header.instructionCount);
        if (!MerkleTree.verifyPath(header.programRoot, programHeight, index, instructionHash, instructionProof)) {
            revert InstructionNotInProgram();
        }
        (bool wellFormed, uint32 tensorBytes, uint8 elementBytes) =
            IStepReferee(stepReferee).describe(index, instruction);
        uint8 height = uint8(MerkleTree.tensorHeight(tensorBytes));
        emit NodeSelected(gameId, true, index, height, 0, childHash);
        if (!wellFormed) {
            // No right answer exists: who answered all the same has lied.
            emit StepJudged(gameId, index, 0, IStepReferee.Verdict.Malformed, 0, 0);
            _challengerWins(gameId, walk);
            return;
        }

        Game storage game = _games[gameId];
        game.phase = Phase.Tensor;
        game.node = childHash;
        game.height = height;
        game.position = 0;
        game.instruction = index;
        game.tensorBytes = tensorBytes;
        game.elementBytes = elementBytes;
        game.instructionHash = instructionHash;
        _pressClock(game, walk);
    }

    /// @inheritdoc IDisputeGame
    function step(GameId gameId, bytes32 node, ModelHeader calldata header, Step calldata step_)
        external
        nonReentrant
    {
        Walk memory walk = _challengersMove(gameId, node);
        if (!walk.inTensor) revert WrongPhase(walk.phase, Phase.Tensor);
        if (walk.height > BYTES_HEIGHT) revert WrongHeight(walk.height);
        uint64 posted = _postedElement(_games[gameId], walk, step_);
        (IStepReferee.Verdict verdict, uint64 expected) = _judge(_games[gameId], walk, header, step_, posted);
        if (verdict == IStepReferee.Verdict.Same) revert ElementIsRight(step_.element);

        emit StepJudged(gameId, walk.instruction, step_.element, verdict, posted, expected);
        _challengerWins(gameId, walk);
    }

    /// @inheritdoc IDisputeGame
    function claimTimeout(GameId gameId) external nonReentrant {
        Walk memory walk = _walk(gameId);
        if (walk.clock.turn == Turn.PosterTimedOut) _challengerWins(gameId, walk);
        else if (walk.clock.turn == Turn.ChallengerTimedOut) _posterWins(gameId, walk);
        else revert NoTimeout(walk.clock.turn);
    }

    /// @inheritdoc IDisputeGame
    function closeVoid(GameId gameId) external nonReentrant {
        Walk memory walk = _walk(gameId);
        Game storage game = _games[gameId];
        // INVARIANT: a finished game accepts nothing: a bond goes back once.
        if (_isOver(game.phase) || walk.phase != Phase.Void) revert WrongPhase(game.phase, Phase.Void);

        game.phase = Phase.Void;
        _credit(walk.challenger, CHALLENGE_BOND_WEI);
        emit GameEnded(gameId, walk.assertionId, Phase.Void, CHALLENGE_BOND_WEI, 0);
    }

    /// @inheritdoc IDisputeGame
    function onSlashed(address account) external payable {
        // Comes back into this contract while a winning move holds the lock.
        if (msg.sender != OPERATOR_REGISTRY) revert NotOperatorRegistry(msg.sender);
        _credit(account, msg.value);
    }

    /// @inheritdoc IDisputeGame
    function maxCapital(AssertionId assertionId, ModelHeader calldata header, uint32 largestTensorBytes)
        external
        view
        returns (Capital memory challenger, Capital memory poster, uint256 secondsAtMost)
    {
        (, ModelId modelId,,,) = ISuretyOracle(oracle).claimOf(assertionId);
        _requireHeader(header, modelId);
        uint256 bondWei = ISuretyOracle(oracle).requestOf(Batch.requestOf(assertionId)).bondWei;
        uint256 outputs = header.outputs.length;
        return _capital(Batch.isItem(assertionId), bondWei, header.instructionCount, outputs, largestTensorBytes);
    }

    /// @dev Position of the picked child, which is shown to stand below the node in dispute.
    function _pick(Walk memory walk, uint256 levels, uint32 child, bytes32 childHash, bytes32[] calldata proof)
        private
        pure
        returns (uint32 position)
    {
        uint256 count = _realChildren(walk, levels);
        if (child >= count) revert ChildOutOfRange(child, count);
        if (!MerkleTree.verifyPath(walk.node, levels, child, childHash, proof)) revert PathNotProven();
        position = uint32(uint256(walk.position) << levels | child);
    }

    /// @dev Ends the challenger's turn.
    function _pressClock(Game storage game, Walk memory walk) private {
        game.posterSecondsLeft = uint32(walk.clock.posterSecondsLeft);
        game.challengerSecondsLeft = uint32(walk.clock.challengerSecondsLeft);
        game.selectedAt = uint40(block.timestamp);
    }

    function _requireHeader(ModelHeader calldata header, ModelId modelId) private pure {
        bytes32 hash = keccak256(abi.encode(header));
        if (hash != ModelId.unwrap(modelId)) revert HashMismatch(hash, ModelId.unwrap(modelId));
    }

    /// @dev The disputed element as the poster has it, cut from its leaf, which is shown to stand below the node in dispute.
    function _postedElement(Game storage game, Walk memory walk, Step calldata step_)
        private
        view
        returns (uint64 posted)
    {
        uint256 width = game.elementBytes;
        uint256 start = uint256(step_.element) * width;
        if (start / MerkleTree.LEAF_BYTES != step_.leaf) revert ElementNotInLeaf(step_.element, step_.leaf);
        if (step_.leaf >> walk.height != walk.position || step_.leaf >= walk.leaves) {
            revert ChildOutOfRange(step_.leaf, walk.leaves);
        }
        uint256 size = game.tensorBytes - uint256(step_.leaf) * MerkleTree.LEAF_BYTES;
        if (size > MerkleTree.LEAF_BYTES) size = MerkleTree.LEAF_BYTES;
        if (step_.leafBytes.length != size) revert WrongByteCount(step_.leafBytes.length, size);
        start %= MerkleTree.LEAF_BYTES;
        if (start + width > size) revert ElementNotInLeaf(step_.element, step_.leaf);
        uint256 place = step_.leaf & ((1 << walk.height) - 1);
        bytes32 hash = MerkleTree.leaf(step_.leafBytes);
        if (!MerkleTree.verifyPath(walk.node, walk.height, place, hash, step_.leafProof)) revert PathNotProven();
        for (uint256 i = width; i > 0; --i) {
            posted = posted << 8 | uint8(step_.leafBytes[start + i - 1]);
        }
    }

    function _judge(Game storage game, Walk memory walk, ModelHeader calldata header, Step calldata step_, uint64 posted)
        private
        view
        returns (IStepReferee.Verdict verdict, uint64 expected)
    {
        (, ModelId modelId, bytes32 inputRoot,,) = ISuretyOracle(oracle).claimOf(walk.assertionId);
        _requireHeader(header, modelId);
        bytes32 instructionHash = MerkleTree.leaf(step_.instruction);
        if (instructionHash != game.instructionHash) revert HashMismatch(instructionHash, game.instructionHash);
        return IStepReferee(stepReferee).judge(
            IStepReferee.Roots({
                traceRoot: _traces[walk.assertionId].root,
                weightsRoot: header.weightsRoot,
                inputRoot: inputRoot,
                instructionCount: header.instructionCount,
                weightCount: header.weightCount
            }),
            walk.instruction,
            step_.instruction,
            step_.element,
            posted,
            step_.inputRoots,
            step_.operands
        );
    }

    /// @dev One won game refutes: every other game of the assertion is void from here on.
    function _challengerWins(GameId gameId, Walk memory walk) private {
        _games[gameId].phase = Phase.ChallengerWon;
        _traces[Batch.wholeOf(walk.assertionId)].refuted = true;
        _credit(walk.challenger, CHALLENGE_BOND_WEI);

        (uint256 paidWei, uint256 burnedWei) = ISuretyOracle(oracle).onRefuted(walk.assertionId, walk.challenger);
        emit GameEnded(gameId, walk.assertionId, Phase.ChallengerWon, CHALLENGE_BOND_WEI + paidWei, burnedWei);
    }

    function _posterWins(GameId gameId, Walk memory walk) private {
        (uint256 paidWei, uint256 burnedWei) = Burn.split(CHALLENGE_BOND_WEI, BURN_BPS);
        (address poster,,,,) = ISuretyOracle(oracle).claimOf(walk.assertionId);
        _games[gameId].phase = Phase.PosterWon;
        _credit(poster, paidWei);
        emit GameEnded(gameId, walk.assertionId, Phase.PosterWon, paidWei, burnedWei);

        ISuretyOracle(oracle).onGameClosed(walk.assertionId);
        Burn.burn(burnedWei);
    }
}
