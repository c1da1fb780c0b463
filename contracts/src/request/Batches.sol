// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IOracleExtension} from "../interfaces/IOracleExtension.sol";
import {Batch} from "../libraries/Batch.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {MAX_BATCH_ITEMS, MAX_CALLDATA_BYTES} from "../types/Limits.sol";
import {InferenceRequest} from "../types/OracleTypes.sol";
import {AssertionId, RequestId} from "../types/SuretyTypes.sol";
import {Asking} from "./Asking.sol";
import {OracleCode} from "./OracleCode.sol";

/// @title Requests for the answers to many inputs, and the items of their answers.
/// @dev A batch is a request in everything but this: its roots are those of trees over its items', and its answer is disputed an item at a time.
abstract contract Batches is IOracleExtension, Asking, OracleCode {
    /// @inheritdoc IOracleExtension
    function requestBatch(InferenceRequest calldata request, uint256 itemCount)
        external
        payable
        onlyAsOracle
        nonReentrant
        returns (RequestId requestId)
    {
        if (itemCount < 2 || itemCount > MAX_BATCH_ITEMS) revert WrongItemCount(itemCount, MAX_BATCH_ITEMS);
        IModelRegistry.ModelSummary memory model = _requestedModel(request);
        // INVARIANT: whatever can be asked can be answered, by outputs whose bytes the chain has seen.
        if (itemCount * model.outputBytes > MAX_CALLDATA_BYTES) {
            revert BatchTooLarge(itemCount * model.outputBytes, MAX_CALLDATA_BYTES);
        }
        if (request.input.length != itemCount * model.inputBytes) {
            revert WrongInputSize(request.input.length, itemCount * model.inputBytes);
        }
        bytes32 inputRoot = _batchRootOf(request.input, _models().inputBytesOf(request.modelId), itemCount);
        requestId = _take(request, model, inputRoot, msg.sender, itemCount);
        emit BatchRequested(requestId, request.modelId, msg.sender, itemCount, request.input);

        _collect(requestId);
    }

    /// @inheritdoc IOracleExtension
    function showItem(
        AssertionId assertionId,
        uint256 item,
        bytes32 inputRoot,
        bytes32[] calldata inputProof,
        bytes32 outputRoot,
        bytes32[] calldata outputProof
    ) external nonReentrant returns (AssertionId itemId) {
        StoredAssertion storage assertion = _assertions[assertionId];
        if (assertion.poster == address(0)) revert UnknownAssertion(assertionId);
        StoredRequest storage request = _requests[Batch.requestOf(assertionId)];
        uint256 itemCount = request.itemCount;
        // INVARIANT: what can be disputed as a whole is not disputed by its items as well.
        if (itemCount == 1 || item >= itemCount) revert UnknownItem(item, itemCount);
        uint256 height = MerkleTree.heightOf(itemCount);
        if (
            !MerkleTree.verifyPath(request.inputRoot, height, item, inputRoot, inputProof)
                || !MerkleTree.verifyPath(assertion.outputRoot, height, item, outputRoot, outputProof)
        ) revert ItemNotProven(item);

        itemId = Batch.itemOf(assertionId, item);
        _items[itemId] = Item(inputRoot, outputRoot);
        emit ItemShown(itemId, assertionId, item, inputRoot, outputRoot);
    }
}
