// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ModelId} from "../types/SuretyTypes.sol";

/// @title Operators: stake, models served, locks, unbonding, slashing.
/// @dev Stake is native currency. Exposure never exceeds stake: each open assertion locks its bond.
interface IOperatorRegistry {
    struct Operator {
        uint128 stakeWei;
        /// Part of the stake that open assertions hold.
        uint128 lockedWei;
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
    event Slashed(address indexed operator, uint256 amountWei, uint256 paidWei, uint256 burnedWei);

    error NotOracle(address caller);
    error StakeTooLow(uint256 actualWei, uint256 requiredWei);
    error OperatorJailed(address operator);
    error AlreadyServing(address operator, ModelId modelId);
    error NotServing(address operator, ModelId modelId);
    error StillUnbonding(uint256 unbondsAt);
    error NothingToWithdraw();

    function deposit() external payable;
    function joinModel(ModelId modelId) external;
    function leaveModel(ModelId modelId) external;
    /// @notice Takes free stake out of service; it can still be slashed until withdrawn.
    function beginUnbonding(uint256 amountWei) external;
    function withdraw() external;

    /// @notice Locks part of an operator's free stake. Oracle only.
    function lock(address operator, uint256 amountWei) external;
    /// @notice Oracle only.
    function unlock(address operator, uint256 amountWei) external;
    /// @notice Takes a locked bond for good, jails the operator, credits `paidWei` to `recipient` in the dispute game's ledger and burns the rest. Oracle only.
    function slash(address operator, uint256 amountWei, address recipient, uint256 paidWei) external;

    function operatorOf(address operator) external view returns (Operator memory);
    function freeStakeWei(address operator) external view returns (uint256);
    function serves(address operator, ModelId modelId) external view returns (bool);
    function servingCount(ModelId modelId) external view returns (uint256);
    /// @notice The operator that a random seed picks from a model's set; zero when the set is empty.
    function pick(ModelId modelId, uint256 seed) external view returns (address);
}
