// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {IOracleBase} from "../interfaces/IOracleBase.sol";
import {Batch} from "../libraries/Batch.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Question} from "../libraries/Question.sol";
import {DeliveryState} from "../types/DeliveryState.sol";
import {MAX_URI_BYTES} from "../types/Limits.sol";
import {OracleParameters} from "../types/OracleTypes.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Fees} from "./Fees.sol";

/// @title What the oracle's stages share: storage, parameters, and roots of calldata.
/// @dev INVARIANT: all storage of the oracle is declared here or above, so that its extension, whose code works on it, has the same layout.
abstract contract OracleStore is Fees {
    /// | slot | bits    | field                                            |
    /// | ---- | ------- | ------------------------------------------------ |
    /// | 0    | 0-159   | requester                                        |
    /// | 0    | 160-191 | callbackGas                                      |
    /// | 0    | 192-231 | deadline                                         |
    /// | 0    | 232-239 | attempt                                          |
    /// | 0    | 240-247 | status                                           |
    /// | 0    | 248-255 | delivery                                         |
    /// | 1    |         | inputRoot                                        |
    /// | 2    | 0-39    | exclusiveUntil                                   |
    /// | 2    | 40-71   | modelNumber                                      |
    /// | 2    | 72-79   | outputCount                                      |
    /// | 2    | 80-119  | requestBlock: when it was opened, or reopened    |
    /// | 2    | 120-151 | memberCount: of the model's set then             |
    /// | 2    | 152-159 | byReference: the input is not in the transaction |
    /// | 2    | 160-167 | feeTokenNumber                                   |
    /// | 2    | 168-247 | bondWei: what an answer locks                    |
    /// | 2    | 248-255 | itemCount: 1, or the inputs of a batch           |
    ///
    /// The fee follows from callbackGas, delivery, feeTokenNumber, bondWei, itemCount and the parameters; the challenge window from bondWei.
    struct StoredRequest {
        address requester;
        uint32 callbackGas;
        uint40 deadline;
        uint8 attempt;
        RequestStatus status;
        DeliveryState delivery;
        bytes32 inputRoot;
        uint40 exclusiveUntil;
        uint32 modelNumber;
        uint8 outputCount;
        uint40 requestBlock;
        uint32 memberCount;
        bool byReference;
        uint8 feeTokenNumber;
        uint80 bondWei;
        uint8 itemCount;
    }

    /// @dev An assertion is refuted when its request is at a later attempt, final when its request is final at this one.
    struct StoredAssertion {
        address poster;
        uint40 postedAt;
        uint32 postedBlock;
        /// Room for more games than the gas of any window opens: a liar's own games must not keep an honest one out.
        uint24 openGames;
        bytes32 outputRoot;
    }

    /// @dev What was asked and posted of one item of a batch, once it has been shown.
    struct Item {
        bytes32 inputRoot;
        bytes32 outputRoot;
    }

    /// @inheritdoc IOracleBase
    address public immutable modelRegistry;
    /// @inheritdoc IOracleBase
    address public immutable operatorRegistry;
    /// @inheritdoc IOracleBase
    address public immutable disputeGame;
    uint16 internal immutable BURN_BPS;
    uint32 internal immutable EXCLUSIVE_SECONDS;
    uint128 internal immutable MISSED_TURN_PENALTY_WEI;

    /// Never 0, so that the first request costs no more than the others.
    uint256 internal _nextRequestId = 1;
    mapping(RequestId requestId => StoredRequest) internal _requests;
    mapping(AssertionId assertionId => StoredAssertion) internal _assertions;
    mapping(address requester => BitMaps.BitMap) internal _usedNonces;
    /// Who may end an answer's window early. Only of requests that chose one: others pay nothing for it.
    mapping(RequestId requestId => address verifier) internal _verifiers;
    mapping(AssertionId itemId => Item) internal _items;

    constructor(
        address modelRegistry_,
        address operatorRegistry_,
        address disputeGame_,
        OracleParameters memory parameters_
    ) Fees(parameters_) {
        modelRegistry = modelRegistry_;
        operatorRegistry = operatorRegistry_;
        disputeGame = disputeGame_;
        BURN_BPS = parameters_.burnBps;
        EXCLUSIVE_SECONDS = parameters_.exclusiveSeconds;
        MISSED_TURN_PENALTY_WEI = parameters_.missedTurnPenaltyWei;
    }

    function _request(RequestId requestId) internal view returns (StoredRequest storage request) {
        request = _requests[requestId];
        if (request.status == RequestStatus.None) revert UnknownRequest(requestId);
    }

    /// @dev Opens a request to a draw from the model's set as it stands. Whom it draws nobody knows yet: it follows from this block's hash.
    function _openToDraw(StoredRequest storage request, uint256 memberCount) internal {
        request.exclusiveUntil = uint40(block.timestamp + EXCLUSIVE_SECONDS);
        request.requestBlock = uint40(block.number);
        request.memberCount = uint32(memberCount);
    }

    /// @dev Whether only who is drawn may answer.
    function _isExclusive(StoredRequest storage request) internal view virtual returns (bool) {
        return block.timestamp <= request.exclusiveUntil;
    }

    /// @dev Who is drawn to answer: zero in the request's own block, when none is fit, and once the chain has forgotten the block's hash.
    function _drawn(RequestId requestId, StoredRequest storage request, ModelId modelId)
        internal
        view
        returns (address operator, bool firstDrawn)
    {
        uint256 requestBlock = request.requestBlock;
        bytes32 hash = blockhash(requestBlock);
        if (hash == 0) return (address(0), false);
        bytes32 seed = keccak256(abi.encode(hash, requestId, request.attempt));
        return _operators().pick(modelId, seed, request.memberCount, requestBlock, request.bondWei);
    }

    function _assertionId(RequestId requestId, uint8 attempt) internal pure returns (AssertionId) {
        return Batch.wholeOf(requestId, attempt);
    }

    function _feeOf(StoredRequest storage request) internal view returns (uint256 fee) {
        return _fee(
            request.feeTokenNumber,
            request.callbackGas,
            request.delivery.mode(),
            request.bondWei,
            request.itemCount
        );
    }

    /// @dev Unix seconds at which the challenge window of an answer closes.
    function _windowEndsAt(StoredRequest storage request, StoredAssertion storage assertion)
        internal
        view
        returns (uint256)
    {
        return assertion.postedAt + _windowOf(request.bondWei);
    }

    function _requireUri(string calldata uri) internal pure {
        uint256 length = bytes(uri).length;
        if (length > MAX_URI_BYTES) revert UriTooLong(length, MAX_URI_BYTES);
    }

    function _models() internal view returns (IModelRegistry) {
        return IModelRegistry(modelRegistry);
    }

    function _operators() internal view returns (IOperatorRegistry) {
        return IOperatorRegistry(operatorRegistry);
    }

    function _questionOf(StoredRequest storage request, ModelId modelId) internal view returns (bytes32) {
        return Question.hash(modelId, request.inputRoot, request.itemCount);
    }

    /// @dev Root of the tree over the roots of a batch's inputs, or outputs. `data` must have `itemCount` times what the sizes add up to.
    function _batchRootOf(bytes calldata data, uint32[] memory sizes, uint256 itemCount)
        internal
        pure
        returns (bytes32)
    {
        bytes32[] memory roots = new bytes32[](itemCount);
        uint256 itemBytes = data.length / itemCount;
        for (uint256 item = 0; item < itemCount; ++item) {
            roots[item] = _rootOf(data[item * itemBytes:(item + 1) * itemBytes], sizes);
        }
        return MerkleTree.treeRoot(roots);
    }

    /// @dev List hash of the tensor roots of `data`, cut into tensors of the given sizes. The sizes must add up to the data's.
    function _rootOf(bytes calldata data, uint32[] memory sizes) internal pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](sizes.length);
        uint256 start = 0;
        for (uint256 i = 0; i < sizes.length; ++i) {
            roots[i] = MerkleTree.tensorRoot(data[start:start + sizes[i]]);
            start += sizes[i];
        }
        return MerkleTree.listHashMemory(roots);
    }

    /// @dev The same for one tensor, whose size is the data's.
    function _rootOf(bytes calldata data) internal pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](1);
        roots[0] = MerkleTree.tensorRoot(data);
        return MerkleTree.listHashMemory(roots);
    }
}
