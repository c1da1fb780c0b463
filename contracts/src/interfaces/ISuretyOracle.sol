// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssertionId, Delivery, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {ITokenLedger} from "./ITokenLedger.sol";

/// @title The oracle: request, post, finalise, deliver, revoke, refund.
/// @dev All entry points share one lock, so a consumer cannot enter while it is being called back.
interface ISuretyOracle is ITokenLedger {
    /// @notice docs/protocol.md says what each is for.
    struct OracleParameters {
        /// fee = baseFeeWei * bond / assertionBondWei + callbacks * callbackGas * callbackGasPriceWei, where `Delivery.Both` has two callbacks, any other one.
        uint128 baseFeeWei;
        uint128 callbackGasPriceWei;
        uint128 assertionBondWei;
        /// Of 10,000 parts of a lost bond, how many are burned.
        uint16 burnBps;
        uint32 exclusiveSeconds;
        uint32 challengeWindowSeconds;
        /// Of 10,000 parts of the base fee, how many reusing a final answer costs.
        uint16 reuseFeeBps;
        /// What an assignee loses when another answers in its place; at most a tenth of the bond.
        uint128 missedTurnPenaltyWei;
        /// The bond and the window of the riskiest answers; the least ones are `assertionBondWei` and `challengeWindowSeconds`.
        uint128 maxAssertionBondWei;
        uint32 maxChallengeWindowSeconds;
        /// Of 10,000 parts of the value at risk, how many the bond is.
        uint16 bondBps;
    }

    /// @notice An ERC-20 token that requests may be paid in, with prices of its own in its smallest unit.
    struct FeeToken {
        address token;
        uint128 baseFee;
        uint128 callbackGasPrice;
    }

    struct InferenceRequest {
        ModelId modelId;
        /// Concatenation of the model's input tensors, little-endian, row-major.
        bytes input;
        /// Gas given to each of the consumer's callbacks; at most `MAX_CALLBACK_GAS`.
        uint32 callbackGas;
        Delivery delivery;
        /// Unix seconds after which an unanswered request may be refunded.
        uint40 deadline;
        /// What the fee is paid in: one of `feeTokens`, allowed to the oracle beforehand; address(0) for native currency.
        address feeToken;
        /// What a wrong answer could cost whoever relies on it: sets bond and challenge window (`termsOf`). 0 for the least.
        uint128 valueAtRiskWei;
    }

    /// @notice What a requester signs (EIP-712, docs/protocol.md) so that somebody else may ask for it.
    struct Delegation {
        /// Who signed: it is called back, and gets refunds. An account, or a contract with ERC-1271.
        address requester;
        /// Any number not used before by the requester, in any order.
        uint256 nonce;
        /// Unix seconds after which nobody may ask with it any more.
        uint40 validUntil;
        /// The most that may be taken, in the smallest unit of the request's fee token.
        uint256 maxFee;
    }

    struct RequestView {
        RequestStatus status;
        address requester;
        ModelId modelId;
        bytes32 inputRoot;
        /// In the smallest unit of `feeToken`; address(0) is native currency.
        uint256 fee;
        address feeToken;
        /// What an answer locks.
        uint256 bondWei;
        uint32 callbackGas;
        Delivery delivery;
        /// The callback with the current answer failed, or waits for the revocation: `retry`.
        bool callbackOwed;
        /// The consumer took an answer that was refuted, and has not been told: `revoke`.
        bool revocationDue;
        uint40 deadline;
        /// Unix seconds until which the assignee (`assigneeOf`) has the exclusive right to post.
        uint40 exclusiveUntil;
        /// Attempts refuted so far; the current assertion's id is requestId * 256 + attempt.
        uint8 attempt;
    }

    struct AssertionView {
        address poster;
        uint40 postedAt;
        uint40 postedBlock;
        /// Unix seconds at which the window closes.
        uint40 windowEndsAt;
        bytes32 outputRoot;
        uint32 openGames;
        bool refuted;
        bool finalised;
    }

    event Requested(
        RequestId indexed requestId, ModelId indexed modelId, address indexed requester, bytes input
    );
    /// @notice The input's bytes are not in the transaction: whoever needs them gets them elsewhere and checks them against `inputRoot`.
    event RequestedByReference(
        RequestId indexed requestId,
        ModelId indexed modelId,
        address indexed requester,
        bytes32 inputRoot,
        string uri
    );
    /// @notice Somebody asked for another by its signature.
    event Delegated(RequestId indexed requestId, address indexed relayer, uint256 nonce);
    event NonceCancelled(address indexed requester, uint256 nonce);
    /// @notice A refuted request is open again.
    event Reopened(RequestId indexed requestId, uint8 attempt);
    event Posted(AssertionId indexed assertionId, RequestId indexed requestId, address indexed poster, bytes output);
    event PostedByReference(
        AssertionId indexed assertionId,
        RequestId indexed requestId,
        address indexed poster,
        bytes32 outputRoot,
        string uri
    );
    /// @notice An assignee let its exclusive time pass, and another has answered.
    event TurnMissed(RequestId indexed requestId, address indexed operator, address indexed poster);
    event EarlyFinalityChosen(RequestId indexed requestId, address indexed verifier);
    /// @notice An answer becomes final before its window is over.
    event FinalisedEarly(AssertionId indexed assertionId, RequestId indexed requestId, address indexed verifier);
    event Finalised(AssertionId indexed assertionId, RequestId indexed requestId, bytes32 outputRoot);
    /// @notice The final callback's outcome; a failed one can be retried.
    event Delivered(RequestId indexed requestId, bool success, bytes returnData);
    /// @notice The provisional callback's outcome; a failed one can be retried while the answer stands.
    event DeliveredProvisionally(RequestId indexed requestId, bool success, bytes returnData);
    /// @notice The outcome of telling a consumer that a provisional answer was wrong; a failed one can be tried again.
    event RevocationDelivered(RequestId indexed requestId, bool success, bytes returnData);
    /// @notice A consumer took a final answer to its question; the fee went to the answer's poster.
    event Reused(
        RequestId indexed requestId, address indexed consumer, address indexed poster, address feeToken, uint256 fee
    );
    event Refunded(RequestId indexed requestId, address indexed requester, address feeToken, uint256 fee);
    event Refuted(AssertionId indexed assertionId, address indexed poster, address indexed challenger);

    error NotDisputeGame(address caller);
    error NotRequester(address caller, address requester);
    /// @notice Thrown when the verifier of a request does not say that its answer may be final, or when it has none.
    error EarlyFinalityRefused(address verifier);
    /// @notice Thrown when a request's answer may have become final by a verifier's word: only its requester relies on that.
    error NotReusable(RequestId requestId);
    error UnknownRequest(RequestId requestId);
    error WrongStatus(RequestStatus actual, RequestStatus expected);
    error WrongInputSize(uint256 actualBytes, uint256 expectedBytes);
    error WrongOutputSize(uint256 actualBytes, uint256 expectedBytes);
    /// @notice Thrown when a callback is asked for whose output does not surely fit into a transaction: choose `Delivery.Pull`.
    error OutputTooLargeToDeliver(uint256 outputBytes, uint256 mostBytes);
    /// @notice Thrown when an output is posted by reference that fits into a transaction: nobody may hold back what can be shown.
    error OutputFitsTransaction(uint256 outputBytes, uint256 mostBytes);
    /// @notice Thrown when an answer with a callback is finalised without the output that the callback needs.
    error DeliveryNeedsOutput(RequestId requestId);
    error UriTooLong(uint256 actualBytes, uint256 mostBytes);
    error DelegationExpired(uint256 validUntil);
    error NonceUsed(address requester, uint256 nonce);
    error FeeAboveMaximum(uint256 fee, uint256 maxFee);
    /// @notice Thrown when the requester did not sign exactly this request for this contract on this chain.
    error WrongSignature(address requester);
    /// @notice Thrown when more is at risk than the highest bond covers.
    error ValueAtRiskTooHigh(uint256 actualWei, uint256 mostWei);
    /// @notice Thrown when a fee is to be paid in a token that this deployment does not take.
    error UnknownFeeToken(address token);
    error FeeTooLow(uint256 actualWei, uint256 requiredWei);
    error CallbackGasTooHigh(uint256 actualGas, uint256 mostGas);
    error DeadlinePassed(uint256 deadline);
    error DeadlineNotPassed(uint256 deadline);
    error NobodyServes(ModelId modelId);
    /// @notice Thrown when a request is answered in the block that opened it: whom it draws is known from the next block on.
    error AssigneeUnknown(RequestId requestId);
    /// @notice Thrown when someone else has the exclusive right to post.
    error NotYourTurn(address assignee, uint256 exclusiveUntil);
    error WindowOpen(uint256 windowEndsAt);
    error GamesOpen(uint256 openGames);
    error OutputMismatch(bytes32 actualRoot, bytes32 expectedRoot);
    error CallbackGasTooLow(uint256 availableGas, uint256 requiredGas);
    error NothingToRetry(RequestId requestId);
    /// @notice Thrown when a consumer is to be called back with an answer before it knows that an earlier one was wrong: `revoke` first.
    error RevocationDue(RequestId requestId);
    error NothingToRevoke(RequestId requestId);
    /// @notice Thrown when an account without code wants an answer delivered: read `resultOf` instead.
    error NotAConsumer(address caller);
    /// @notice Thrown when someone answers a model that it does not serve.
    error NotServing(address caller, ModelId modelId);
    error UnknownAssertion(AssertionId assertionId);
    /// @notice Thrown when a game is opened too late.
    error WindowClosed(uint256 windowEndsAt);
    error AlreadyRefuted(AssertionId assertionId);

    /// @notice The fee a request must carry, in the smallest unit of `feeToken` (address(0): in wei). Binding: exactly so much of a token is taken, and
    /// what native currency is paid above it is credited back to the payer.
    function quote(ModelId modelId, uint32 callbackGas, Delivery delivery, address feeToken, uint128 valueAtRiskWei)
        external
        view
        returns (uint256 fee);
    /// @notice What an answer is bonded with, and how long it can be challenged, when so much is at risk.
    function termsOf(uint128 valueAtRiskWei) external view returns (uint256 bondWei, uint256 windowSeconds);
    /// @notice The tokens that fees may be paid in besides native currency. Fixed.
    function feeTokens() external view returns (FeeToken[] memory);
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
    /// @notice Makes a nonce of the caller's unusable, and so what it signed with it.
    function cancelNonce(uint256 nonce) external;
    function isNonceUsed(address requester, uint256 nonce) external view returns (bool);
    /// @notice Answers a request, locks the poster's bond, and calls the consumer back if it asked for a provisional answer.
    /// @param question keccak256(abi.encode(modelId, inputRoot)) of what the poster answers: a reorg that gives the number to another request
    /// cannot make a right answer a wrong one. Reverts `QuestionMismatch` otherwise.
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
    /// @notice Takes the final answer of anybody's request to the same question: calls the caller's `onInference` with that request's number at once, and
    /// reverts with whatever it reverts with. The fee is credited to the answer's poster, what is paid above it to the caller.
    /// @param requestId A request that is final.
    /// @param question keccak256(abi.encode(modelId, inputRoot)) of what the caller wants answered: `QuestionMismatch` otherwise.
    /// @param feeToken What is paid in, as for a request.
    function reuse(RequestId requestId, bytes32 question, bytes calldata output, address feeToken) external payable;
    /// @notice What `reuse` must be paid, in the smallest unit of `feeToken`.
    function quoteReuse(address feeToken) external view returns (uint256 fee);
    /// @notice Has a request's answers made final early by a verifier's word. The requester only, while the request is open; zero: no more. At the
    /// requester's risk: a wrong word cannot be disputed. Nobody can reuse the answer.
    function chooseEarlyFinality(RequestId requestId, address verifier) external;
    /// @notice `finalise` before the window is over, if no game is open and the request's verifier allows it by the proof. Anyone may call.
    function finaliseEarly(RequestId requestId, bytes calldata output, bytes calldata proof) external;
    /// @notice The verifier that a request has chosen (`IEarlyFinality`); zero when it has none.
    function earlyFinalityOf(RequestId requestId) external view returns (address verifier);
    /// @notice Gives the fee of an unanswered request back after its deadline. Anyone may call.
    function refund(RequestId requestId) external;

    function parameters() external view returns (OracleParameters memory);
    function modelRegistry() external view returns (address);
    function operatorRegistry() external view returns (address);
    function disputeGame() external view returns (address);
    /// @notice The most gas that a callback can ask for, so that delivering always fits into a block and nothing can hold settlement up.
    function MAX_CALLBACK_GAS() external view returns (uint32);
    function requestCount() external view returns (uint256);
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
    /// @notice What a dispute of an assertion is judged by; zeros when there is no such assertion.
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
