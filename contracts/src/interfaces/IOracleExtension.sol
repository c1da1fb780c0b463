// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Delegation, InferenceRequest} from "../types/OracleTypes.sol";
import {AssertionId, RequestId} from "../types/SuretyTypes.sol";
import {IOracleBase} from "./IOracleBase.sol";

/// @title What the oracle does by its extension's code.
interface IOracleExtension is IOracleBase {
    /// @notice The same as `requestInference` for who signed it: the signer is the requester, the caller only sends it. A fee in a token is taken from the
    /// signer, by its allowance; native currency is the caller's, which gets back what is above the fee, while a refund goes to the signer.
    function requestInferenceFor(
        InferenceRequest calldata request,
        Delegation calldata delegation,
        bytes calldata signature
    ) external payable returns (RequestId);
    /// @notice The same by reference.
    function requestInferenceByReferenceFor(
        InferenceRequest calldata request,
        bytes32 inputRoot,
        string calldata uri,
        Delegation calldata delegation,
        bytes calldata signature
    ) external payable returns (RequestId);
    /// @notice Takes the final answer of anybody's request to the same question: calls the caller's `onInference` with that request's number at once, and
    /// reverts with whatever it reverts with. The fee is credited to the answer's poster, what is paid above it to the caller.
    /// @param requestId A request that is final.
    /// @param question keccak256(abi.encode(modelId, inputRoot)) of what the caller wants answered: `QuestionMismatch` otherwise.
    /// @param feeToken What is paid in, as for a request.
    function reuse(RequestId requestId, bytes32 question, bytes calldata output, address feeToken) external payable;
    /// @notice Asks for the answers to 2 to `MAX_BATCH_ITEMS` inputs at once: one bond, one window, `itemCount` times the base fee (`quoteBatch`).
    /// The answer is all outputs one after the other, committed as the Merkle root of their roots; `isItem` proves one of them, and each is disputed by itself.
    /// @param request Its `input` is all inputs one after the other.
    function requestBatch(InferenceRequest calldata request, uint256 itemCount) external payable returns (RequestId);
    /// @notice Shows one item of a batch's answer, so that it can be disputed by itself: by a game on `itemId`, as an answer to a request for that input alone.
    /// Anyone may, as often as they like: it says what was asked and posted.
    /// @param inputProof The item's path in the tree of inputs, from below; `outputProof` in that of outputs.
    function showItem(
        AssertionId assertionId,
        uint256 item,
        bytes32 inputRoot,
        bytes32[] calldata inputProof,
        bytes32 outputRoot,
        bytes32[] calldata outputProof
    ) external returns (AssertionId itemId);
    /// @notice Has a request's answers made final early by a verifier's word. The requester only, while the request is open; zero: no more. At the
    /// requester's risk: a wrong word cannot be disputed. Nobody can reuse the answer.
    function chooseEarlyFinality(RequestId requestId, address verifier) external;
    /// @notice `finalise` before the window is over, if no game is open and the request's verifier allows it by the proof. Anyone may call.
    function finaliseEarly(RequestId requestId, bytes calldata output, bytes calldata proof) external;
}
