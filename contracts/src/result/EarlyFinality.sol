// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IEarlyFinality} from "../interfaces/IEarlyFinality.sol";
import {IOracleExtension} from "../interfaces/IOracleExtension.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {Settling} from "./Settling.sol";

/// @title Answers that become final before their window is over, by the word of a verifier that the requester has chosen.
abstract contract EarlyFinality is IOracleExtension, Settling {
    /// @dev What a verifier is called with at most. With less it may fail, which refuses and changes nothing.
    uint256 private constant VERIFIER_GAS = 2_000_000;

    /// @inheritdoc IOracleExtension
    function chooseEarlyFinality(RequestId requestId, address verifier) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        if (msg.sender != request.requester) revert NotRequester(msg.sender, request.requester);
        if (request.status != RequestStatus.Open) revert WrongStatus(request.status, RequestStatus.Open);

        _verifiers[requestId] = verifier;
        emit EarlyFinalityChosen(requestId, verifier);
    }

    /// @inheritdoc IOracleExtension
    function finaliseEarly(RequestId requestId, bytes calldata output, bytes calldata proof) external nonReentrant {
        StoredRequest storage request = _request(requestId);
        (AssertionId assertionId, StoredAssertion storage assertion, uint256 windowEndsAt) =
            _standing(requestId, request);
        // After it, a challenger has had its time, and nobody's word is needed.
        if (block.timestamp >= windowEndsAt) revert WindowClosed(windowEndsAt);
        _requireNoGames(assertion);
        _requireOutput(request, assertion.outputRoot, output);
        address verifier = _verifiers[requestId];
        if (!_allows(verifier, assertionId, request, assertion, proof)) revert EarlyFinalityRefused(verifier);

        emit FinalisedEarly(assertionId, requestId, verifier);
        _settle(assertionId, requestId, request, assertion);
        if (request.delivery.wantsFinal()) _deliver(requestId, request, false, output);
    }

    /// @dev Whether the verifier answers with one word, and that says true. The lock is held: it can read, and change nothing.
    function _allows(
        address verifier,
        AssertionId assertionId,
        StoredRequest storage request,
        StoredAssertion storage assertion,
        bytes calldata proof
    ) private view returns (bool yes) {
        (ModelId modelId,) = _models().modelAt(request.modelNumber);
        bytes memory data = abi.encodeCall(
            IEarlyFinality.allows,
            (
                IEarlyFinality.Answer({
                    assertionId: assertionId,
                    modelId: modelId,
                    question: _questionOf(request, modelId),
                    outputRoot: assertion.outputRoot,
                    poster: assertion.poster
                }),
                proof
            )
        );
        // Memory-safe: the answer's one word goes to scratch space, more of it is never copied.
        assembly ("memory-safe") {
            mstore(0, 0)
            let success := staticcall(VERIFIER_GAS, verifier, add(data, 32), mload(data), 0, 32)
            yes := and(success, and(eq(returndatasize(), 32), eq(mload(0), 1)))
        }
    }
}
