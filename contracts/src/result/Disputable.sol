// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {Batch} from "../libraries/Batch.sol";
import {Question} from "../libraries/Question.sol";
import {Requests} from "../request/Requests.sol";
import {Burn} from "../settle/Burn.sol";
import {AssertionView} from "../types/OracleTypes.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";

/// @title What the dispute game tells the oracle.
abstract contract Disputable is Requests {
    modifier onlyDisputeGame() {
        if (msg.sender != disputeGame) revert NotDisputeGame(msg.sender);
        _;
    }

    /// @inheritdoc ISuretyOracle
    function onGameOpened(AssertionId assertionId)
        external
        onlyDisputeGame
        nonReentrant
        returns (bytes32 question, bytes32 outputRoot)
    {
        (StoredAssertion storage assertion,, StoredRequest storage request) = _disputed(assertionId);
        // INVARIANT: a game is about one input and its output, which are known: of more there is no trace.
        if (!_hasTrace(assertionId, request)) revert ItemNotShown(assertionId);
        uint256 windowEndsAt = _windowEndsAt(request, assertion);
        if (block.timestamp >= windowEndsAt) revert WindowClosed(windowEndsAt);
        // It may have become final before its window is over.
        if (request.status != RequestStatus.Asserted) revert WrongStatus(request.status, RequestStatus.Asserted);

        ++assertion.openGames;
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        (bytes32 inputRoot, bytes32 root) = _rootsOf(assertionId, request, assertion);
        return (Question.hash(modelId, inputRoot), root);
    }

    /// @inheritdoc ISuretyOracle
    function onGameClosed(AssertionId assertionId) external onlyDisputeGame nonReentrant {
        --_assertions[Batch.wholeOf(assertionId)].openGames;
    }

    /// @inheritdoc ISuretyOracle
    function onRefuted(AssertionId assertionId, address challenger)
        external
        onlyDisputeGame
        nonReentrant
        returns (uint256 paidWei, uint256 burnedWei)
    {
        (StoredAssertion storage assertion, RequestId requestId, StoredRequest storage request) = _disputed(assertionId);
        (paidWei, burnedWei) = Burn.split(request.bondWei, BURN_BPS);
        address poster = assertion.poster;

        // The consumer is not called here, so that it cannot stand in the way of a dispute: `revoke` tells it.
        request.delivery = request.delivery.refuted();
        emit Refuted(assertionId, poster, challenger);
        // Before the set is counted anew: who is jailed is not drawn again.
        _operators().slash(poster, request.bondWei, challenger, paidWei);
        if (request.attempt == type(uint8).max) _refund(requestId, request);
        else _reopen(requestId, request);
    }

    /// @dev With nobody left to draw, whoever comes to serve the model may answer at once.
    function _reopen(RequestId requestId, StoredRequest storage request) private {
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        uint8 attempt = request.attempt + 1;
        request.status = RequestStatus.Open;
        request.attempt = attempt;
        _openToDraw(request, _operators().servingCount(modelId));
        emit Reopened(requestId, attempt);
    }

    function _disputed(AssertionId assertionId)
        private
        view
        returns (StoredAssertion storage assertion, RequestId requestId, StoredRequest storage request)
    {
        assertion = _assertions[Batch.wholeOf(assertionId)];
        if (assertion.poster == address(0)) revert UnknownAssertion(assertionId);
        (requestId, request) = _requestBehind(assertionId);
        if (_isRefuted(assertionId, request)) revert AlreadyRefuted(assertionId);
    }

    function _requestBehind(AssertionId assertionId) private view returns (RequestId, StoredRequest storage) {
        RequestId requestId = Batch.requestOf(assertionId);
        return (requestId, _requests[requestId]);
    }

    /// @dev Whether a single request's answer is meant, or an item of a batch's that has been shown.
    function _hasTrace(AssertionId assertionId, StoredRequest storage request) private view returns (bool) {
        return Batch.isItem(assertionId) ? _items[assertionId].inputRoot != 0 : request.itemCount == 1;
    }

    /// @dev Of an answer, or of an item that has been shown.
    function _rootsOf(AssertionId assertionId, StoredRequest storage request, StoredAssertion storage assertion)
        private
        view
        returns (bytes32 inputRoot, bytes32 outputRoot)
    {
        if (!Batch.isItem(assertionId)) return (request.inputRoot, assertion.outputRoot);
        Item storage item = _items[assertionId];
        return (item.inputRoot, item.outputRoot);
    }

    function _isRefuted(AssertionId assertionId, StoredRequest storage request) private view returns (bool) {
        return uint8(AssertionId.unwrap(assertionId)) < request.attempt || request.status == RequestStatus.Refunded;
    }

    /// @inheritdoc ISuretyOracle
    function claimOf(AssertionId assertionId)
        external
        view
        returns (address poster, ModelId modelId, bytes32 inputRoot, bytes32 outputRoot, bool disputable)
    {
        StoredAssertion storage assertion = _assertions[Batch.wholeOf(assertionId)];
        poster = assertion.poster;
        if (poster == address(0)) return (poster, modelId, inputRoot, outputRoot, disputable);
        (, StoredRequest storage request) = _requestBehind(assertionId);
        (modelId,) = _models().modelAt(request.modelNumber);
        (inputRoot, outputRoot) = _rootsOf(assertionId, request, assertion);
        disputable = request.status == RequestStatus.Asserted && !_isRefuted(assertionId, request)
            && _hasTrace(assertionId, request);
    }

    /// @inheritdoc ISuretyOracle
    function assertionOf(AssertionId assertionId) external view returns (AssertionView memory) {
        StoredAssertion storage assertion = _assertions[assertionId];
        AssertionView memory none;
        if (assertion.poster == address(0)) return none;
        (, StoredRequest storage request) = _requestBehind(assertionId);
        bool refuted = _isRefuted(assertionId, request);
        return AssertionView({
            poster: assertion.poster,
            postedAt: assertion.postedAt,
            postedBlock: assertion.postedBlock,
            windowEndsAt: uint40(_windowEndsAt(request, assertion)),
            outputRoot: assertion.outputRoot,
            openGames: assertion.openGames,
            refuted: refuted,
            finalised: !refuted && request.status == RequestStatus.Final
        });
    }
}
