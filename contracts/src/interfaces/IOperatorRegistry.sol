// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ModelId} from "../types/SuretyTypes.sol";

/// @title Operators: stake, models served, locks, unbonding, slashing.
/// @dev Stake is native currency. Exposure never exceeds stake: each open assertion locks its bond.
interface IOperatorRegistry {
    struct OperatorParameters {
        /// Stake needed to join a model and to stay in it.
        uint128 minStakeWei;
        /// What one open assertion locks at least; the same as the oracle's.
        uint128 assertionBondWei;
        /// What one locks at most; the same as the oracle's.
        uint128 maxAssertionBondWei;
        /// From leaving service to withdrawal.
        uint32 unbondingSeconds;
        /// May fine posters for what they owe to attention tests (`IAttentionTests`); zero: nobody but the oracle fines.
        address attention;
    }

    struct Operator {
        /// Stake in service.
        uint128 stakeWei;
        /// Part of `stakeWei` that open assertions hold.
        uint128 lockedWei;
        /// Out of service, to be withdrawn at `unbondsAt`.
        uint128 unbondingWei;
        uint40 unbondsAt;
        /// True after a slash: serves nothing any more, may only withdraw.
        bool jailed;
    }

    event Deposited(address indexed operator, uint256 amountWei, uint256 stakeWei);
    event UnbondingStarted(address indexed operator, uint256 amountWei, uint256 unbondsAt);
    event Withdrawn(address indexed operator, uint256 amountWei);
    event JoinedModel(address indexed operator, ModelId indexed modelId);
    event LeftModel(address indexed operator, ModelId indexed modelId);
    event Locked(address indexed operator, uint256 amountWei);
    event Unlocked(address indexed operator, uint256 amountWei);
    event Fined(address indexed operator, address indexed recipient, uint256 amountWei, uint256 paidWei);
    event Slashed(address indexed operator, uint256 amountWei, uint256 paidWei, uint256 burnedWei);

    error NotOracle(address caller);
    error FineTooHigh(uint256 amountWei, uint256 mostWei);
    error AmountTooLarge(uint256 amountWei);
    error StakeTooLow(uint256 actualWei, uint256 requiredWei);
    error OperatorJailed(address operator);
    error NotJailed(address operator);
    error AlreadyServing(address operator, ModelId modelId);
    error NotServing(address operator, ModelId modelId);
    error StillUnbonding(uint256 unbondsAt);
    error NothingToWithdraw();
    error PaymentFailed(address recipient, uint256 amountWei);

    function deposit() external payable;
    /// @notice Enters the set that a model's requests are assigned from. Needs the minimum stake.
    function joinModel(ModelId modelId) external;
    function leaveModel(ModelId modelId) external;
    /// @notice Takes a jailed operator out of a model's set. Anyone may; `pick` skips it anyway.
    function evict(address operator, ModelId modelId) external;
    /// @notice Takes free stake out of service. Who serves a model must keep the minimum stake. Begins the wait of all unbonding stake anew.
    function beginUnbonding(uint256 amountWei) external;
    /// @notice Pays the caller's unbonded stake out.
    function withdraw() external;

    /// @notice Locks part of an operator's free stake. Oracle only.
    function lock(address operator, uint256 amountWei) external;
    /// @notice Oracle only.
    function unlock(address operator, uint256 amountWei) external;
    /// @notice Takes a locked bond for good, jails the operator, credits `paidWei` to `recipient` in the dispute game's ledger and burns the rest. Oracle only.
    function slash(address operator, uint256 amountWei, address recipient, uint256 paidWei) external;

    /// @notice Takes part of an operator's free stake, adds `paidWei` to the stake of another and burns the rest; nothing when less is free. The
    /// operator may be left with less than the minimum: it goes on serving while it has a bond free. The oracle and the attention tests only, and at most
    /// a tenth of a bond each time.
    function fine(address operator, uint256 amountWei, address recipient, uint256 paidWei)
        external;

    function parameters() external view returns (OperatorParameters memory);
    function oracle() external view returns (address);
    function disputeGame() external view returns (address);
    function operatorOf(address operator) external view returns (Operator memory);
    function freeStakeWei(address operator) external view returns (uint256);
    /// @notice Whether an operator is in a model's set and not jailed.
    function serves(address operator, ModelId modelId) external view returns (bool);
    /// @notice Size of a model's set. Counts jailed operators until they are evicted.
    function servingCount(ModelId modelId) external view returns (uint256);
    /// @notice The operator that a seed draws from a model's set as it was when a request was made: never a jailed one, nor one that joined in
    /// that block or later; one that has had a bond free ever since, if there is one among 16 draws, else the first drawn. Zero when none is found.
    /// While the seed can be known, nothing that others do changes whom it draws: only who is drawn can give its turn away, by leaving, by being
    /// jailed, by having no bond free.
    /// @param memberCount `servingCount` when the request was made.
    /// @param requestBlock The block it was made in, one of the last 256.
    /// @param bondWei What an answer locks. Above the least bond, whoever is drawn may still take its turn by adding stake.
    /// @return operator Who is drawn.
    /// @return firstDrawn Whether it has surely been drawn from the beginning: it was the first draw, and had the bond free before the request and ever
    /// since. Above the least bond that is known of those alone who could have locked the highest.
    function pick(ModelId modelId, bytes32 seed, uint256 memberCount, uint256 requestBlock, uint256 bondWei)
        external
        view
        returns (address operator, bool firstDrawn);
}
