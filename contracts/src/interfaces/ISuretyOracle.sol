// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssertionView, InferenceRequest, OracleParameters, RequestView} from "../types/OracleTypes.sol";
import {AssertionId, Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";
import {IOracleExtension} from "./IOracleExtension.sol";

/// @title The oracle: request, post, finalise, deliver, revoke, refund. One contract to whoever calls it, two in code (`extension`).
/// @dev All entry points share one lock, so a consumer cannot enter while it is being called back.
interface ISuretyOracle is IOracleExtension {
    /// @notice The fee a request must carry, in the smallest unit of `feeToken` (address(0): in wei). Binding: exactly so much of a token is taken, and
    /// what native currency is paid above it is credited back to the payer.
    function quote(ModelId modelId, uint32 callbackGas, Delivery delivery, address feeToken, uint128 valueAtRiskWei)
        external
        view
        returns (uint256 fee);
    /// @notice The same for `requestBatch`.
    function quoteBatch(
        ModelId modelId,
        uint32 callbackGas,
        Delivery delivery,
        address feeToken,
        uint128 valueAtRiskWei,
        uint256 itemCount
    ) external view returns (uint256 fee);
    function requestInference(InferenceRequest calldata request) external payable returns (RequestId);
    /// @notice The same, for an input whose bytes are not in the transaction. At the requester's risk: nobody answers what it cannot get, so the
    /// fee is refunded after the deadline; and where the bytes are shown to a few only, those few can answer what they like, because nobody else
    /// can check it. Ask so only what whoever relies on the answer can get, and never let a stranger choose the root.
    /// @param request Its `input` must be empty.
    /// @param inputRoot List hash of the input tensors' roots (docs/exact-profile.md, section 4).
    /// @param uri Where the bytes are to be had, all input tensors in the model's order one after the other; at most 2,048 bytes, not checked.
    function requestInferenceByReference(InferenceRequest calldata request, bytes32 inputRoot, string calldata uri)
        external
        payable
        returns (RequestId);
    /// @notice Makes a nonce of the caller's unusable, and so what it signed with it.
    function cancelNonce(uint256 nonce) external;
    function isNonceUsed(address requester, uint256 nonce) external view returns (bool);
    /// @notice Answers a request, locks the poster's bond, and calls the consumer back if it asked for a provisional answer.
    /// @param question keccak256(abi.encode(modelId, inputRoot)) of what the poster answers, of a batch keccak256(abi.encode(modelId, inputRoot, itemCount)): a
    /// reorg that gives the number to another request cannot make a right answer a wrong one. Reverts `QuestionMismatch` otherwise.
    /// @param output Of a batch, all outputs one after the other.
    function post(RequestId requestId, bytes32 question, bytes calldata output) external returns (AssertionId);
    /// @notice The same, for a model whose outputs do not surely fit into a transaction (`IModelRegistry.MAX_OUTPUT_BYTES`), by their root.
    /// Challengers compute the output themselves, so a wrong root is disputed as wrong bytes are.
    /// @param outputRoot List hash of the output tensors' roots.
    /// @param uri Where the output is to be had, may be empty; at most 2,048 bytes, not checked.
    function postByReference(RequestId requestId, bytes32 question, bytes32 outputRoot, string calldata uri)
        external
        returns (AssertionId);
    /// @notice Ends an unchallenged or upheld assertion: pays the poster, stores the result, then calls the consumer. Anyone may call.
    function finalise(RequestId requestId, bytes calldata output) external;
    /// @notice The same without the output, for a request without a final callback. Anyone may call.
    /// @param outputRoot What is made final: `OutputMismatch` if it is not what was posted.
    function finaliseByReference(RequestId requestId, bytes32 outputRoot) external;
    /// @notice Calls the consumer again with the current answer after a failed delivery, with at least the requested gas: with the final callback
    /// once the answer is final, if it asked for one. Anyone may call; once only on success.
    function retry(RequestId requestId, bytes calldata output) external;
    /// @notice Tells the consumer that the provisional answer it took was refuted, with at least the requested gas. Until that has succeeded it
    /// is called back with no other answer. Anyone may call; once only on success.
    function revoke(RequestId requestId) external;
    /// @notice The verifier that a request has chosen (`IEarlyFinality`); zero when it has none.
    function earlyFinalityOf(RequestId requestId) external view returns (address verifier);
    /// @notice Gives the fee of an unanswered request back after its deadline. Anyone may call.
    function refund(RequestId requestId) external;

    function parameters() external view returns (OracleParameters memory);
    function requestCount() external view returns (uint256);
    /// @notice What an answer is bonded with, and how long it can be challenged, when so much is at risk.
    function termsOf(uint128 valueAtRiskWei) external view returns (uint256 bondWei, uint256 windowSeconds);
    /// @notice The code of `IOracleExtension`, created with the oracle and fixed; it has no state and no money of its own.
    function extension() external view returns (address);
    function requestOf(RequestId requestId) external view returns (RequestView memory);
    /// @notice Who has the exclusive right to answer an open request until `exclusiveUntil`. It is drawn by the hash of the block that opened the
    /// request, so neither the requester nor anybody else knows it in that block. Zero in that block (ask in the context of the pending block),
    /// when nobody fit is found, and 256 blocks later: then anyone who serves the model may answer. Of a request that is answered it says who
    /// would be drawn now, which is who was drawn unless that one has left, was jailed, or has no bond free since.
    function assigneeOf(RequestId requestId) external view returns (address assignee);
    function assertionOf(AssertionId assertionId) external view returns (AssertionView memory);
    /// @notice The final output root of a request; zero until it is final.
    function resultOf(RequestId requestId) external view returns (bytes32 outputRoot);
    /// @notice Whether a request is final with this output: what a consumer asks that is not called back. Reverts
    /// `WrongOutputSize` for what cannot be an output of the model.
    function isResult(RequestId requestId, bytes calldata output) external view returns (bool);
    /// @notice Whether a batch is final with this output of this item (from 0): what a consumer asks, or is told by anyone.
    /// @param proof The item's path in the tree of outputs, from below.
    function isItem(RequestId requestId, uint256 item, bytes calldata output, bytes32[] calldata proof)
        external
        view
        returns (bool);
    /// @notice What a dispute of an assertion, or of a batch's item, is judged by; zeros when there is no such assertion.
    function claimOf(AssertionId assertionId)
        external
        view
        returns (address poster, ModelId modelId, bytes32 inputRoot, bytes32 outputRoot, bool disputable);

    /// @notice A game was opened on an assertion; reverts unless it can still be disputed. Dispute game only.
    function onGameOpened(AssertionId assertionId) external returns (bytes32 question, bytes32 outputRoot);
    /// @notice A game on an assertion ended without refuting it. Dispute game only.
    function onGameClosed(AssertionId assertionId) external;
    /// @notice An assertion is proven wrong: slash, reopen. Dispute game only.
    /// @return paidWei Credited to the challenger in the game's ledger.
    /// @return burnedWei Burned.
    function onRefuted(AssertionId assertionId, address challenger)
        external
        returns (uint256 paidWei, uint256 burnedWei);
}
