// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssertionId, GameId, ModelHeader} from "../types/SuretyTypes.sol";
import {ICreditLedger} from "./ICreditLedger.sol";
import {IStepReferee} from "./IStepReferee.sol";

/// @title The dispute game: a walk down the poster's one tree, from the trace root to one element.
/// @notice docs/protocol.md has the rules. Heights count levels above a tree's leaves. `REVEAL_LEVELS` levels are revealed at a time; a node
/// of a tensor at height `BYTES_HEIGHT` or below is revealed as its bytes.
interface IDisputeGame is ICreditLedger {
    /// @notice docs/protocol.md says what each is for.
    struct GameParameters {
        uint128 challengeBondWei;
        /// Of 10,000 parts of a lost bond, how many are burned; the same as the oracle's.
        uint16 burnBps;
        uint32 clockSeconds;
        uint32 extensionSeconds;
    }

    /// @notice What one side may need of money for one game: the bond, and `gas` times the price of gas.
    struct Capital {
        uint256 bondWei;
        uint256 moves;
        /// Of the dearest move.
        uint256 gasPerMove;
        /// Of all moves.
        uint256 gas;
    }

    enum Phase {
        None,
        /// The poster must commit its trace root.
        Commit,
        /// Walking the trace tree towards one tensor.
        Trace,
        /// Walking one tensor's tree towards its bytes.
        Tensor,
        /// The challenger proved the assertion wrong, or the poster ran out of time.
        ChallengerWon,
        /// The challenger ran out of time.
        PosterWon,
        /// Another game refuted the assertion first.
        Void
    }

    /// @notice Whose move a game waits for. Exactly one is true at every instant of a live game.
    enum Turn {
        Nobody,
        Poster,
        Challenger,
        /// The poster's clock has run out: only `claimTimeout` is enabled.
        PosterTimedOut,
        /// The challenger's clock has run out: only `claimTimeout` is enabled.
        ChallengerTimedOut
    }

    struct GameView {
        AssertionId assertionId;
        address challenger;
        Phase phase;
        Turn turn;
        /// Unix seconds at which the side to move runs out of time.
        uint40 turnEndsAt;
        uint32 posterSecondsLeft;
        uint32 challengerSecondsLeft;
        /// The node in dispute and where it stands.
        bytes32 node;
        uint32 height;
        uint32 position;
        /// Only in phase Tensor: the instruction whose tensor is walked, its leaf in the program tree, its bytes and element width.
        uint32 instruction;
        bytes32 instructionHash;
        uint32 tensorBytes;
        uint8 elementBytes;
        uint256 bondWei;
    }

    /// @notice The last move: one element, its leaf, and what recomputes it.
    struct Step {
        /// The leaf's number in the tensor, its bytes and its path up to the game's node.
        uint32 leaf;
        bytes leafBytes;
        bytes32[] leafProof;
        /// The element's number in the tensor.
        uint32 element;
        bytes instruction;
        bytes32[] inputRoots;
        IStepReferee.OperandWitness[] operands;
    }

    event GameOpened(GameId indexed gameId, AssertionId indexed assertionId, address indexed challenger);
    event TraceCommitted(AssertionId indexed assertionId, bytes32 traceRoot);
    /// @notice The nodes `levels` below (instruction, height, position) of the poster's tree. `inTensor` tells which tree.
    event NodeRevealed(
        AssertionId indexed assertionId, bool inTensor, uint32 instruction, uint32 height, uint32 position, bytes32[] children
    );
    event BytesRevealed(
        AssertionId indexed assertionId, uint32 instruction, uint32 height, uint32 position, bytes data
    );
    /// @notice The node now in dispute. A picked tensor is reported as the top of its own tree.
    event NodeSelected(
        GameId indexed gameId, bool inTensor, uint32 instruction, uint32 height, uint32 position, bytes32 node
    );
    event StepJudged(
        GameId indexed gameId, uint32 instruction, uint32 element, IStepReferee.Verdict verdict, uint64 posted, uint64 expected
    );
    event GameEnded(GameId indexed gameId, AssertionId indexed assertionId, Phase outcome, uint256 paidWei, uint256 burnedWei);

    error UnknownGame(GameId gameId);
    error WrongPhase(Phase actual, Phase expected);
    error NotYourTurn(Turn turn);
    error NotPoster(address caller, address poster);
    error NotChallenger(address caller, address challenger);
    error WrongBond(uint256 actualWei, uint256 requiredWei);
    /// @notice Thrown when the caller has a game on this assertion, live or over.
    error GameExists(GameId gameId);
    /// @notice Thrown when a move names another hash than the one in dispute (a reorg, a stale view).
    error HashMismatch(bytes32 actual, bytes32 expected);
    error WrongChildCount(uint256 actual, uint256 expected);
    error ChildOutOfRange(uint256 child, uint256 count);
    error WrongByteCount(uint256 actual, uint256 expected);
    error AlreadyCommitted(AssertionId assertionId);
    error AlreadyRevealed();
    error OutputNotInTrace();
    error InstructionNotInProgram();
    error PathNotProven();
    /// @notice Thrown when the recomputed element equals the posted one.
    error ElementIsRight(uint256 element);
    error NoTimeout(Turn turn);
    error NotOperatorRegistry(address caller);
    /// @notice Thrown when an assertion stands no more, or never stood.
    error NotDisputable(AssertionId assertionId);
    /// @notice Thrown when a node of this height calls for another move (see `Turn` and docs/protocol.md).
    error WrongHeight(uint256 height);
    /// @notice Thrown when a child that lies wholly beyond the tree's last leaf is not 0.
    error PaddingNotZero(uint256 child);
    error ElementNotInLeaf(uint256 element, uint256 leaf);

    /// @notice Disputes an assertion, once per challenger. Pays exactly the challenge bond.
    /// @param question keccak256(abi.encode(modelId, inputRoot)) of the request. With the output root it says what is held to be wrong: a reorg
    /// cannot turn the game on a right answer. Reverts `QuestionMismatch` or `HashMismatch` otherwise.
    /// @param outputRoot The disputed output root.
    function open(AssertionId assertionId, bytes32 question, bytes32 outputRoot) external payable returns (GameId);

    /// @notice Commits the poster's trace and reveals the nodes below its root. Poster only, once per assertion.
    /// @param question As in `open`: the trace is a run of this question. Reverts `QuestionMismatch` otherwise.
    /// @param outputRoots The output tensor roots behind the posted output root.
    /// @param outputProof Multiproof of the output tensor roots in the trace, in increasing instruction order.
    /// @param children The nodes min(REVEAL_LEVELS, trace height) levels below the root (none when the trace has one tensor).
    function commitTrace(
        AssertionId assertionId,
        bytes32 question,
        bytes32 traceRoot,
        ModelHeader calldata header,
        bytes32[] calldata outputRoots,
        bytes32[] calldata outputProof,
        bytes32[] calldata children
    ) external;

    /// @notice Reveals the nodes below the node a game disputes. Anyone may; a reveal serves every game of the assertion.
    /// @param node The node in dispute.
    function reveal(GameId gameId, bytes32 node, bytes32[] calldata children) external;

    /// @notice Reveals the bytes below the node a game disputes (height at most BYTES_HEIGHT).
    function revealBytes(GameId gameId, bytes32 node, bytes calldata data) external;

    /// @notice Picks a revealed node one reveal below the disputed one. Challenger only.
    /// @param child Its number among the revealed children; `proof` is its path up to the disputed node.
    function select(GameId gameId, bytes32 node, uint32 child, bytes32 childHash, bytes32[] calldata proof) external;

    /// @notice Picks the disputed tensor (a leaf of the trace) and shows its instruction. Challenger only. A malformed instruction ends the game.
    function selectTensor(
        GameId gameId,
        bytes32 node,
        uint32 child,
        bytes32 childHash,
        bytes32[] calldata proof,
        ModelHeader calldata header,
        bytes calldata instruction,
        bytes32[] calldata instructionProof
    ) external;

    /// @notice Has one element recomputed. Challenger only; reverts when the element is right.
    function step(GameId gameId, bytes32 node, ModelHeader calldata header, Step calldata step_) external;

    /// @notice Ends a game whose side to move ran out of time. Anyone may.
    function claimTimeout(GameId gameId) external;

    /// @notice Gives the bond of a game back whose assertion another game refuted. Anyone may.
    function closeVoid(GameId gameId) external;

    /// @notice Takes the winner's part of a slashed bond. Operator registry only.
    function onSlashed(address account) external payable;

    function parameters() external view returns (GameParameters memory);
    function oracle() external view returns (address);
    function stepReferee() external view returns (address);
    /// @notice Levels of a tree that one reveal shows.
    function REVEAL_LEVELS() external view returns (uint256);
    /// @notice A tensor's node of this height or less is revealed as its bytes.
    function BYTES_HEIGHT() external view returns (uint256);
    /// @notice Id of a challenger's game: keccak256(abi.encode(assertionId, question, outputRoot, challenger)). Whatever a reorg does, the moves of
    /// a game can only meet the game they were meant for.
    function gameIdOf(AssertionId assertionId, bytes32 question, bytes32 outputRoot, address challenger)
        external
        pure
        returns (GameId);
    function gameOf(GameId gameId) external view returns (GameView memory);
    function traceRootOf(AssertionId assertionId) external view returns (bytes32);
    /// @notice Unix seconds at which the trace was committed; 0 while it is not.
    function traceCommittedAt(AssertionId assertionId) external view returns (uint256);
    /// @notice Whether a game was opened on the assertion before its trace was committed.
    function wasTraceDemanded(AssertionId assertionId) external view returns (bool);
    /// @notice The worst case of a game on an assertion, before its first move. The poster's bond is the assertion's, which it has put up already; its moves
    /// serve every game of the assertion.
    /// @param header Of the assertion's model.
    /// @param largestTensorBytes Of all tensors of the program; 0: not known, then as large as tensors may be.
    /// @return challenger Opening included.
    /// @return poster The commitment included.
    /// @return secondsAtMost From `open` to the end of the game, whatever the sides do.
    function maxCapital(AssertionId assertionId, ModelHeader calldata header, uint32 largestTensorBytes)
        external
        view
        returns (Capital memory challenger, Capital memory poster, uint256 secondsAtMost);
    /// @notice Upper bound of the seconds from `open` to the end of a game, whatever the sides do.
    function maxGameSeconds() external view returns (uint256);
}
