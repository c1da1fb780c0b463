// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDisputeGame} from "../interfaces/IDisputeGame.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {InvalidParameter, ModelId} from "../types/SuretyTypes.sol";
import {Burn} from "./Burn.sol";

/// @title Operators: stake, models served, locks, unbonding, slashing.
/// @dev Assumes of the oracle that it unlocks or slashes only what it locked.
contract OperatorRegistry is IOperatorRegistry, ReentrancyGuardTransient {
    /// Operators that `pick` looks at.
    uint256 private constant MAX_PROBES = 16;

    /// | slot | bits    | field                                         |
    /// | ---- | ------- | --------------------------------------------- |
    /// | 0    | 0-127   | stakeWei: in service                          |
    /// | 0    | 128-247 | lockedWei: part of it that assertions hold    |
    /// | 0    | 248     | jailed                                        |
    /// | 1    | 0-127   | unbondingWei: out of service                  |
    /// | 1    | 128-167 | unbondsAt                                     |
    /// | 1    | 168-199 | modelCount: sets it is in                     |
    struct Account {
        uint128 stakeWei;
        uint120 lockedWei;
        bool jailed;
        uint128 unbondingWei;
        uint40 unbondsAt;
        uint32 modelCount;
    }

    /// @inheritdoc IOperatorRegistry
    address public immutable oracle;
    /// @inheritdoc IOperatorRegistry
    address public immutable disputeGame;
    uint128 private immutable MIN_STAKE_WEI;
    uint128 private immutable ASSERTION_BOND_WEI;
    uint32 private immutable UNBONDING_SECONDS;

    mapping(address operator => Account) private _accounts;
    mapping(ModelId modelId => address[]) private _members;
    /// Place in `_members`, counted from 1; 0 for who is not in it.
    mapping(ModelId modelId => mapping(address operator => uint256)) private _places;

    constructor(address oracle_, address disputeGame_, OperatorParameters memory parameters_) {
        if (oracle_ == address(0)) revert InvalidParameter("oracle", 0, 1);
        if (disputeGame_ == address(0)) revert InvalidParameter("disputeGame", 0, 1);
        if (parameters_.assertionBondWei == 0) revert InvalidParameter("assertionBondWei", 0, 1);
        // INVARIANT: exposure never exceeds stake: who serves can lock at least one bond.
        if (parameters_.minStakeWei < parameters_.assertionBondWei) {
            revert InvalidParameter("minStakeWei", parameters_.minStakeWei, parameters_.assertionBondWei);
        }
        if (parameters_.assertionBondWei > type(uint96).max) {
            revert InvalidParameter("assertionBondWei", parameters_.assertionBondWei, type(uint96).max);
        }
        oracle = oracle_;
        disputeGame = disputeGame_;
        MIN_STAKE_WEI = parameters_.minStakeWei;
        ASSERTION_BOND_WEI = parameters_.assertionBondWei;
        UNBONDING_SECONDS = parameters_.unbondingSeconds;
    }

    modifier onlyOracle() {
        if (msg.sender != oracle) revert NotOracle(msg.sender);
        _;
    }

    /// @inheritdoc IOperatorRegistry
    function deposit() external payable {
        Account storage account = _accounts[msg.sender];
        if (account.jailed) revert OperatorJailed(msg.sender);
        uint256 stakeWei = account.stakeWei + msg.value;
        if (stakeWei > type(uint120).max) revert AmountTooLarge(stakeWei);

        account.stakeWei = uint128(stakeWei);
        emit Deposited(msg.sender, msg.value, stakeWei);
    }

    /// @inheritdoc IOperatorRegistry
    function joinModel(ModelId modelId) external {
        Account storage account = _accounts[msg.sender];
        if (account.jailed) revert OperatorJailed(msg.sender);
        if (account.stakeWei < MIN_STAKE_WEI) revert StakeTooLow(account.stakeWei, MIN_STAKE_WEI);
        if (_places[modelId][msg.sender] != 0) revert AlreadyServing(msg.sender, modelId);

        address[] storage members = _members[modelId];
        members.push(msg.sender);
        _places[modelId][msg.sender] = members.length;
        ++account.modelCount;
        emit JoinedModel(msg.sender, modelId);
    }

    /// @inheritdoc IOperatorRegistry
    function leaveModel(ModelId modelId) external {
        _leave(msg.sender, modelId);
    }

    /// @inheritdoc IOperatorRegistry
    function evict(address operator, ModelId modelId) external {
        if (!_accounts[operator].jailed) revert NotJailed(operator);
        _leave(operator, modelId);
    }

    function _leave(address operator, ModelId modelId) private {
        uint256 place = _places[modelId][operator];
        if (place == 0) revert NotServing(operator, modelId);

        address[] storage members = _members[modelId];
        address last = members[members.length - 1];
        members[place - 1] = last;
        _places[modelId][last] = place;
        _places[modelId][operator] = 0;
        members.pop();
        --_accounts[operator].modelCount;
        emit LeftModel(operator, modelId);
    }

    /// @inheritdoc IOperatorRegistry
    function beginUnbonding(uint256 amountWei) external {
        Account storage account = _accounts[msg.sender];
        uint256 freeWei = account.stakeWei - account.lockedWei;
        if (amountWei == 0) revert NothingToWithdraw();
        // INVARIANT: exposure never exceeds stake: what assertions hold stays in service.
        if (amountWei > freeWei) revert StakeTooLow(freeWei, amountWei);
        uint256 left = account.stakeWei - amountWei;
        if (left < MIN_STAKE_WEI && account.modelCount > 0 && !account.jailed) revert StakeTooLow(left, MIN_STAKE_WEI);

        uint256 unbondsAt = block.timestamp + UNBONDING_SECONDS;
        account.stakeWei = uint128(left);
        account.unbondingWei += uint128(amountWei);
        account.unbondsAt = uint40(unbondsAt);
        emit UnbondingStarted(msg.sender, amountWei, unbondsAt);
    }

    /// @inheritdoc IOperatorRegistry
    function withdraw() external nonReentrant {
        Account storage account = _accounts[msg.sender];
        uint256 amountWei = account.unbondingWei;
        if (amountWei == 0) revert NothingToWithdraw();
        if (block.timestamp < account.unbondsAt) revert StillUnbonding(account.unbondsAt);

        account.unbondingWei = 0;
        emit Withdrawn(msg.sender, amountWei);

        (bool sent,) = msg.sender.call{value: amountWei}("");
        if (!sent) revert PaymentFailed(msg.sender, amountWei);
    }

    /// @inheritdoc IOperatorRegistry
    function lock(address operator, uint256 amountWei) external onlyOracle {
        Account storage account = _accounts[operator];
        if (account.jailed) revert OperatorJailed(operator);
        uint256 freeWei = account.stakeWei - account.lockedWei;
        // INVARIANT: exposure never exceeds stake.
        if (amountWei > freeWei) revert StakeTooLow(freeWei, amountWei);

        account.lockedWei += uint120(amountWei);
        emit Locked(operator, amountWei);
    }

    /// @inheritdoc IOperatorRegistry
    function unlock(address operator, uint256 amountWei) external onlyOracle {
        _accounts[operator].lockedWei -= uint120(amountWei);
        emit Unlocked(operator, amountWei);
    }

    /// @inheritdoc IOperatorRegistry
    function slash(address operator, uint256 amountWei, address recipient, uint256 paidWei) external onlyOracle {
        Account storage account = _accounts[operator];
        account.lockedWei -= uint120(amountWei);
        account.stakeWei -= uint128(amountWei);
        account.jailed = true;
        uint256 burnedWei = amountWei - paidWei;
        emit Slashed(operator, amountWei, paidWei, burnedWei);

        IDisputeGame(disputeGame).onSlashed{value: paidWei}(recipient);
        Burn.burn(burnedWei);
    }

    /// @inheritdoc IOperatorRegistry
    function parameters() external view returns (OperatorParameters memory) {
        return OperatorParameters({
            minStakeWei: MIN_STAKE_WEI,
            assertionBondWei: ASSERTION_BOND_WEI,
            unbondingSeconds: UNBONDING_SECONDS
        });
    }

    /// @inheritdoc IOperatorRegistry
    function operatorOf(address operator) external view returns (Operator memory) {
        Account storage account = _accounts[operator];
        return Operator({
            stakeWei: account.stakeWei,
            lockedWei: account.lockedWei,
            unbondingWei: account.unbondingWei,
            unbondsAt: account.unbondsAt,
            jailed: account.jailed
        });
    }

    /// @inheritdoc IOperatorRegistry
    function freeStakeWei(address operator) external view returns (uint256) {
        Account storage account = _accounts[operator];
        return account.stakeWei - account.lockedWei;
    }

    /// @inheritdoc IOperatorRegistry
    function serves(address operator, ModelId modelId) external view returns (bool) {
        return _places[modelId][operator] != 0 && !_accounts[operator].jailed;
    }

    /// @inheritdoc IOperatorRegistry
    function servingCount(ModelId modelId) external view returns (uint256) {
        return _members[modelId].length;
    }

    /// @inheritdoc IOperatorRegistry
    function pick(ModelId modelId, uint256 seed) external view returns (address busy) {
        address[] storage members = _members[modelId];
        uint256 count = members.length;
        if (count == 0) return address(0);
        uint256 probes = count < MAX_PROBES ? count : MAX_PROBES;
        uint256 place = seed % count;
        for (uint256 i = 0; i < probes; ++i) {
            address operator = members[place];
            Account storage account = _accounts[operator];
            if (!account.jailed) {
                if (account.stakeWei - account.lockedWei >= ASSERTION_BOND_WEI) return operator;
                if (busy == address(0)) busy = operator;
            }
            if (++place == count) place = 0;
        }
    }
}
