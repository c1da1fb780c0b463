// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeeToken} from "../types/OracleTypes.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {ITokenLedger} from "./ITokenLedger.sol";

/// @title What both parts of the oracle share: what is asked, seen, told and refused, and what the parameters are.
interface IOracleBase is ITokenLedger {
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
    /// @notice A request for the answers to many inputs, one after the other in `input`.
    event BatchRequested(
        RequestId indexed requestId,
        ModelId indexed modelId,
        address indexed requester,
        uint256 itemCount,
        bytes input
    );
    /// @notice An item of a batch's answer can be disputed, by `itemId`.
    event ItemShown(
        AssertionId indexed itemId,
        AssertionId indexed assertionId,
        uint256 item,
        bytes32 inputRoot,
        bytes32 outputRoot
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
    /// @notice Thrown when the extension is called by its own address: call the oracle.
    error CalledDirectly(address extension);
    error NotRequester(address caller, address requester);
    /// @notice Thrown when the verifier of a request does not say that its answer may be final, or when it has none.
    error EarlyFinalityRefused(address verifier);
    /// @notice Thrown when a request's answer may have become final by a verifier's word, on which only its requester relies, or is a batch's.
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
    /// @notice Thrown when a batch has fewer items than two, or more than `MAX_BATCH_ITEMS`.
    error WrongItemCount(uint256 actual, uint256 most);
    /// @notice Thrown when the outputs of a batch do not surely fit into a transaction: ask for fewer items at once.
    error BatchTooLarge(uint256 outputBytes, uint256 mostBytes);
    /// @notice Thrown when an item is named that the request does not have.
    error UnknownItem(uint256 item, uint256 itemCount);
    /// @notice Thrown when an item's input or output is not shown to stand in the batch.
    error ItemNotProven(uint256 item);
    /// @notice Thrown when a batch is disputed as a whole, or an item that has not been shown (`showItem`).
    error ItemNotShown(AssertionId assertionId);
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

    /// @notice The tokens that fees may be paid in besides native currency. Fixed.
    function feeTokens() external view returns (FeeToken[] memory);
    /// @notice What `reuse` must be paid, in the smallest unit of `feeToken`.
    function quoteReuse(address feeToken) external view returns (uint256 fee);
    function modelRegistry() external view returns (address);
    function operatorRegistry() external view returns (address);
    function disputeGame() external view returns (address);
    /// @notice The most gas that a callback can ask for, so that delivering always fits into a block and nothing can hold settlement up.
    function MAX_CALLBACK_GAS() external view returns (uint32);
}
