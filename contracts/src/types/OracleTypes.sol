// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Delivery, ModelId, RequestStatus} from "./SuretyTypes.sol";

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
    /// Inputs of the request: 1, or those of a batch.
    uint8 itemCount;
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
