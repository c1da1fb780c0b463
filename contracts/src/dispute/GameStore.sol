// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Batch} from "../libraries/Batch.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Burn} from "../settle/Burn.sol";
import {CreditLedger} from "../settle/CreditLedger.sol";
import {LeastTimes} from "../types/LeastTimes.sol";
import {OracleParameters} from "../types/OracleTypes.sol";
import {AssertionId, GameId, InvalidParameter} from "../types/SuretyTypes.sol";
import {GameClock} from "./GameClock.sol";
import {GameCost} from "./GameCost.sol";

/// @title What the moves of a game share: storage, parameters, where a walk stands and whose turn it is.
abstract contract GameStore is IDisputeGame, CreditLedger {
    /// @inheritdoc IDisputeGame
    uint256 public constant REVEAL_LEVELS = 6;
    /// @inheritdoc IDisputeGame
    uint256 public constant BYTES_HEIGHT = 2;
    /// Height of the largest trace (2^20 instructions) and of the largest tensor (2^32 bytes).
    uint256 private constant MAX_TRACE_HEIGHT = 20;
    uint256 private constant MAX_TENSOR_HEIGHT = 24;

    /// | slot | bits    | field                                               |
    /// | ---- | ------- | --------------------------------------------------- |
    /// | 0    | 0-159   | challenger                                          |
    /// | 0    | 160-223 | assertionId                                         |
    /// | 0    | 224-231 | phase: Commit also while at the committed root      |
    /// | 0    | 232-239 | height                                              |
    /// | 1    | 0-31    | position                                            |
    /// | 1    | 32-63   | instruction                                         |
    /// | 1    | 64-95   | tensorBytes                                         |
    /// | 1    | 96-103  | elementBytes                                        |
    /// | 1    | 104-135 | posterSecondsLeft, as of selectedAt                 |
    /// | 1    | 136-167 | challengerSecondsLeft, as of selectedAt             |
    /// | 1    | 168-207 | selectedAt: when the challenger moved last          |
    /// | 2    |         | node                                                |
    /// | 3    |         | instructionHash                                     |
    struct Game {
        address challenger;
        uint64 assertionId;
        Phase phase;
        uint8 height;
        uint32 position;
        uint32 instruction;
        uint32 tensorBytes;
        uint8 elementBytes;
        uint32 posterSecondsLeft;
        uint32 challengerSecondsLeft;
        uint40 selectedAt;
        bytes32 node;
        bytes32 instructionHash;
    }

    /// @dev What all games of an assertion share.
    struct Trace {
        bytes32 root;
        uint40 committedAt;
        uint32 instructionCount;
        bool refuted;
        /// A game was opened before the trace was committed: so its poster was asked for it.
        bool wasDemanded;
    }

    /// @dev Where a game stands.
    struct Walk {
        AssertionId assertionId;
        address challenger;
        Phase phase;
        bool inTensor;
        uint32 instruction;
        uint32 height;
        uint32 position;
        bytes32 node;
        /// Leaves of the tree that is walked.
        uint256 leaves;
        uint256 revealedAt;
        GameClock.Reading clock;
    }

    /// @inheritdoc IDisputeGame
    address public immutable oracle;
    /// @inheritdoc IDisputeGame
    address public immutable stepReferee;
    address internal immutable OPERATOR_REGISTRY;
    uint128 internal immutable CHALLENGE_BOND_WEI;
    uint16 internal immutable BURN_BPS;
    uint32 internal immutable CLOCK_SECONDS;
    uint32 internal immutable EXTENSION_SECONDS;

    mapping(GameId gameId => Game) internal _games;
    mapping(AssertionId assertionId => Trace) internal _traces;
    /// When the node at a place of an assertion's tree was revealed.
    mapping(uint256 placeKey => uint40 revealedAt) private _reveals;

    /// @dev Deployed last: checks the wiring and the parameters of all contracts.
    constructor(address oracle_, address stepReferee_, GameParameters memory parameters_) {
        if (oracle_.code.length == 0) revert InvalidParameter("oracle", 0, 1);
        if (stepReferee_.code.length == 0) revert InvalidParameter("stepReferee", 0, 1);
        oracle = oracle_;
        stepReferee = stepReferee_;
        OPERATOR_REGISTRY = ISuretyOracle(oracle_).operatorRegistry();
        CHALLENGE_BOND_WEI = parameters_.challengeBondWei;
        BURN_BPS = parameters_.burnBps;
        CLOCK_SECONDS = parameters_.clockSeconds;
        EXTENSION_SECONDS = parameters_.extensionSeconds;
        _checkParameters(parameters_);
        _checkWiring(ISuretyOracle(oracle_), IOperatorRegistry(OPERATOR_REGISTRY));
    }

    function _checkParameters(GameParameters memory parameters_) private view {
        uint256 bondWei = parameters_.challengeBondWei;
        if (bondWei == 0) revert InvalidParameter("challengeBondWei", 0, 1);
        if (bondWei > type(uint96).max) revert InvalidParameter("challengeBondWei", bondWei, type(uint96).max);
        // INVARIANT: losing to oneself costs money.
        if (parameters_.burnBps == 0) revert InvalidParameter("burnBps", 0, 1);
        if (parameters_.burnBps > Burn.BPS) revert InvalidParameter("burnBps", parameters_.burnBps, Burn.BPS);
        uint256 leastSeconds = LeastTimes.extension();
        if (parameters_.extensionSeconds < leastSeconds) {
            revert InvalidParameter("extensionSeconds", parameters_.extensionSeconds, leastSeconds);
        }
        if (parameters_.clockSeconds < parameters_.extensionSeconds) {
            revert InvalidParameter("clockSeconds", parameters_.clockSeconds, parameters_.extensionSeconds);
        }
        if (parameters_.clockSeconds > 30 days) {
            revert InvalidParameter("clockSeconds", parameters_.clockSeconds, 30 days);
        }
    }

    function _checkWiring(ISuretyOracle oracle_, IOperatorRegistry operators) private view {
        if (oracle_.disputeGame() != address(this)) revert InvalidParameter("oracle.disputeGame", 0, 1);
        if (operators.disputeGame() != address(this)) revert InvalidParameter("operatorRegistry.disputeGame", 0, 1);
        if (operators.oracle() != address(oracle_)) revert InvalidParameter("operatorRegistry.oracle", 0, 1);
        OracleParameters memory ofOracle = oracle_.parameters();
        IOperatorRegistry.OperatorParameters memory ofOperators = operators.parameters();
        if (ofOracle.burnBps != BURN_BPS) revert InvalidParameter("burnBps", BURN_BPS, ofOracle.burnBps);
        if (ofOracle.assertionBondWei != ofOperators.assertionBondWei) {
            revert InvalidParameter("assertionBondWei", ofOperators.assertionBondWei, ofOracle.assertionBondWei);
        }
        if (ofOracle.maxAssertionBondWei != ofOperators.maxAssertionBondWei) {
            revert InvalidParameter("maxAssertionBondWei", ofOperators.maxAssertionBondWei, ofOracle.maxAssertionBondWei);
        }
        uint256 leastWindow = LeastTimes.window();
        if (ofOracle.challengeWindowSeconds < leastWindow) {
            revert InvalidParameter("challengeWindowSeconds", ofOracle.challengeWindowSeconds, leastWindow);
        }
        // INVARIANT: unbonding lasts longer than any dispute can.
        uint256 longest = ofOracle.maxChallengeWindowSeconds + maxGameSeconds();
        if (ofOperators.unbondingSeconds < longest) {
            revert InvalidParameter("unbondingSeconds", ofOperators.unbondingSeconds, longest);
        }
    }

    /// @inheritdoc IDisputeGame
    function parameters() external view returns (GameParameters memory) {
        return GameParameters({
            challengeBondWei: CHALLENGE_BOND_WEI,
            burnBps: BURN_BPS,
            clockSeconds: CLOCK_SECONDS,
            extensionSeconds: EXTENSION_SECONDS
        });
    }

    /// @inheritdoc IDisputeGame
    function gameIdOf(AssertionId assertionId, bytes32 question, bytes32 outputRoot, address challenger)
        public
        pure
        returns (GameId)
    {
        return GameId.wrap(uint256(keccak256(abi.encode(assertionId, question, outputRoot, challenger))));
    }

    /// @inheritdoc IDisputeGame
    function maxGameSeconds() public view returns (uint256) {
        // Turns of each side in the longest walk: the poster's commit (or the challenger's first pick below it), one for each further
        // reveal, and the bytes (or the step).
        return _gameSeconds(2 + _traceReveals(MAX_TRACE_HEIGHT) + _tensorReveals(MAX_TENSOR_HEIGHT));
    }

    /// @dev A side's first turn begins with its whole clock, each later one adds an extension at most.
    function _gameSeconds(uint256 turns) private view returns (uint256) {
        return 2 * (uint256(CLOCK_SECONDS) + (turns - 1) * EXTENSION_SECONDS);
    }

    /// @dev Reveals in a trace of a height beyond what its commitment shows.
    function _traceReveals(uint256 height) private pure returns (uint256) {
        return height <= REVEAL_LEVELS ? 0 : (height - 1) / REVEAL_LEVELS;
    }

    /// @dev Reveals in a tensor of a height before its bytes.
    function _tensorReveals(uint256 height) private pure returns (uint256) {
        return height <= BYTES_HEIGHT ? 0 : (height - BYTES_HEIGHT + REVEAL_LEVELS - 1) / REVEAL_LEVELS;
    }

    /// @dev The capital of both sides and the longest time, for a program of so many instructions with so large a tensor.
    function _capital(
        bool isItem,
        uint256 posterBondWei,
        uint256 instructions,
        uint256 outputs,
        uint256 largestTensorBytes
    )
        internal
        view
        returns (Capital memory challenger, Capital memory poster, uint256 secondsAtMost)
    {
        uint256 tensorHeight =
            largestTensorBytes == 0 ? MAX_TENSOR_HEIGHT : MerkleTree.tensorHeight(largestTensorBytes);
        uint256 reveals = _traceReveals(MerkleTree.heightOf(instructions)) + _tensorReveals(tensorHeight);
        uint256 commitGas = GameCost.COMMIT + outputs * GameCost.COMMIT_OUTPUT;
        challenger = Capital({
            bondWei: CHALLENGE_BOND_WEI,
            // To open, to select below each reveal, to select the tensor, to step.
            moves: reveals + (isItem ? 4 : 3),
            gasPerMove: GameCost.STEP,
            gas: (isItem ? GameCost.SHOW_ITEM : 0) + GameCost.OPEN + reveals * GameCost.SELECT + GameCost.SELECT_TENSOR + GameCost.STEP
        });
        poster = Capital({
            bondWei: posterBondWei,
            // To commit, to reveal, to reveal the bytes.
            moves: reveals + 2,
            gasPerMove: commitGas,
            gas: commitGas + reveals * GameCost.REVEAL + GameCost.REVEAL_BYTES
        });
        secondsAtMost = _gameSeconds(2 + reveals);
    }

    /// @inheritdoc IDisputeGame
    function gameOf(GameId gameId) external view returns (GameView memory) {
        Game storage game = _games[gameId];
        GameView memory none;
        if (game.phase == Phase.None) return none;
        Walk memory walk = _walk(gameId);
        bool inTensor = walk.phase == Phase.Tensor;
        return GameView({
            assertionId: walk.assertionId,
            challenger: walk.challenger,
            phase: walk.phase,
            turn: walk.clock.turn,
            turnEndsAt: uint40(walk.clock.endsAt),
            posterSecondsLeft: uint32(walk.clock.posterSecondsLeft),
            challengerSecondsLeft: uint32(walk.clock.challengerSecondsLeft),
            node: walk.node,
            height: walk.height,
            position: walk.position,
            instruction: inTensor ? game.instruction : 0,
            instructionHash: inTensor ? game.instructionHash : bytes32(0),
            tensorBytes: inTensor ? game.tensorBytes : 0,
            elementBytes: inTensor ? game.elementBytes : 0,
            bondWei: CHALLENGE_BOND_WEI
        });
    }

    /// @inheritdoc IDisputeGame
    function traceRootOf(AssertionId assertionId) external view returns (bytes32) {
        return _traces[assertionId].root;
    }

    /// @inheritdoc IDisputeGame
    function traceCommittedAt(AssertionId assertionId) external view returns (uint256) {
        return _traces[assertionId].committedAt;
    }

    /// @inheritdoc IDisputeGame
    function wasTraceDemanded(AssertionId assertionId) external view returns (bool) {
        return _traces[assertionId].wasDemanded;
    }

    /// @dev Where a game stands, and its clocks. INVARIANT: at every instant of a live game exactly one side may move, or exactly
    /// `claimTimeout` is enabled: `clock.turn` is one value, and each move asks for its own.
    function _walk(GameId gameId) internal view returns (Walk memory walk) {
        Game storage game = _games[gameId];
        walk.phase = game.phase;
        if (walk.phase == Phase.None) revert UnknownGame(gameId);
        walk.assertionId = AssertionId.wrap(game.assertionId);
        walk.challenger = game.challenger;
        if (_isOver(walk.phase)) return walk;
        Trace storage trace = _traces[walk.assertionId];
        // One won game refutes, of whatever item.
        if (_traces[Batch.wholeOf(walk.assertionId)].refuted) {
            walk.phase = Phase.Void;
            return walk;
        }
        if (walk.phase != Phase.Commit) {
            walk.node = game.node;
            walk.height = game.height;
            walk.position = game.position;
            walk.inTensor = walk.phase == Phase.Tensor;
            walk.instruction = game.instruction;
            walk.leaves = walk.inTensor ? MerkleTree.leafCount(game.tensorBytes) : trace.instructionCount;
            walk.revealedAt = _reveals[_placeKey(walk)];
        } else if (trace.committedAt != 0) {
            // The commit reveals the nodes below the root.
            walk.phase = Phase.Trace;
            walk.node = trace.root;
            walk.leaves = trace.instructionCount;
            walk.height = uint32(MerkleTree.heightOf(walk.leaves));
            walk.revealedAt = trace.committedAt;
        }
        walk.clock = GameClock.read(
            game.selectedAt,
            walk.revealedAt,
            game.posterSecondsLeft,
            game.challengerSecondsLeft,
            EXTENSION_SECONDS
        );
    }

    /// @dev The walk of a game in which the caller, its challenger, may move now and disputes `node`.
    function _challengersMove(GameId gameId, bytes32 node) internal view returns (Walk memory walk) {
        walk = _walk(gameId);
        _requireWalking(walk);
        if (msg.sender != walk.challenger) revert NotChallenger(msg.sender, walk.challenger);
        // INVARIANT: a move names the node it disputes.
        if (walk.node != node) revert HashMismatch(node, walk.node);
        if (walk.clock.turn != Turn.Challenger) revert NotYourTurn(walk.clock.turn);
    }

    /// @dev The walk of a game whose poster, or anyone in its place, may reveal `node` now.
    function _postersMove(GameId gameId, bytes32 node) internal view returns (Walk memory walk) {
        walk = _walk(gameId);
        _requireWalking(walk);
        if (walk.node != node) revert HashMismatch(node, walk.node);
        if (walk.revealedAt != 0) revert AlreadyRevealed();
        if (walk.clock.turn != Turn.Poster) revert NotYourTurn(walk.clock.turn);
    }

    function _requireWalking(Walk memory walk) private pure {
        if (walk.phase != Phase.Trace && walk.phase != Phase.Tensor) revert WrongPhase(walk.phase, Phase.Trace);
    }

    /// @dev Levels that a reveal of the node shows. 0: a single tensor, or a node that is revealed as its bytes.
    function _levels(Walk memory walk) internal pure returns (uint256 levels) {
        levels = walk.height;
        if (walk.inTensor) levels = levels > BYTES_HEIGHT ? levels - BYTES_HEIGHT : 0;
        if (levels > REVEAL_LEVELS) levels = REVEAL_LEVELS;
    }

    /// @dev How many of the 2^levels nodes below the node have leaves under them; at least one.
    function _realChildren(Walk memory walk, uint256 levels) internal pure returns (uint256 count) {
        uint256 childHeight = walk.height - levels;
        uint256 childrenInTree = (walk.leaves + (1 << childHeight) - 1) >> childHeight;
        count = childrenInTree - (uint256(walk.position) << levels);
        if (count > 1 << levels) count = 1 << levels;
    }

    /// @dev Checks the nodes below a node. INVARIANT: a tree has one form: beyond its last leaf there are zeros.
    function _checkChildren(Walk memory walk, bytes32[] calldata children) internal pure {
        uint256 levels = _levels(walk);
        uint256 expected = levels == 0 ? 0 : 1 << levels;
        if (children.length != expected) revert WrongChildCount(children.length, expected);
        if (expected == 0) return;
        for (uint256 child = _realChildren(walk, levels); child < expected; ++child) {
            if (children[child] != 0) revert PaddingNotZero(child);
        }
        bytes32 root = MerkleTree.foldChildren(children);
        if (root != walk.node) revert HashMismatch(root, walk.node);
    }

    /// @dev Notes that the node's children, or bytes, are known from now on, to every game of the assertion.
    function _noteReveal(Walk memory walk) internal {
        _reveals[_placeKey(walk)] = uint40(block.timestamp);
    }

    /// @dev assertion (64 bits) | inTensor (8) | instruction (32) | height (32) | position (32). A node of an assertion's tree is fixed by
    /// its place, for it descends from the one committed root.
    /// The flag is made a uint256 before it is shifted: in a literal's own type, uint8, the shift would lose it.
    function _placeKey(Walk memory walk) private pure returns (uint256) {
        return AssertionId.unwrap(walk.assertionId) << 104 | (walk.inTensor ? uint256(1) : 0) << 96
            | uint256(walk.inTensor ? walk.instruction : 0) << 64 | uint256(walk.height) << 32 | walk.position;
    }

    function _isOver(Phase phase) internal pure returns (bool) {
        return phase == Phase.ChallengerWon || phase == Phase.PosterWon || phase == Phase.Void;
    }
}
