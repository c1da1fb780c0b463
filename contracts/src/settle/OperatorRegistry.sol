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
    /// Places that `pick` draws.
    uint256 private constant MAX_DRAWS = 16;
    /// Blocks whose hash the chain still knows: the longest that a draw can be made again.
    uint256 private constant HASHED_BLOCKS = 256;

    /// | slot | bits    | field                                             |
    /// | ---- | ------- | ------------------------------------------------- |
    /// | 0    | 0-87    | stakeWei: in service                              |
    /// | 0    | 88-175  | lockedWei: part of it that assertions hold        |
    /// | 0    | 176-183 | jailed                                            |
    /// | 0    | 184-215 | fitSince: block in which it last became fit       |
    /// | 0    | 216-247 | ampleSince: block in which it last became ample   |
    /// | 1    | 0-127   | unbondingWei: out of service                      |
    /// | 1    | 128-167 | unbondsAt                                         |
    /// | 1    | 168-199 | modelCount: sets it is in                         |
    ///
    /// An account is fit while the least bond of it is free, ample while the highest is.
    struct Account {
        uint88 stakeWei;
        uint88 lockedWei;
        bool jailed;
        uint32 fitSince;
        uint32 ampleSince;
        uint128 unbondingWei;
        uint40 unbondsAt;
        uint32 modelCount;
    }

    /// Who stands at a place of a model's set, and the block since which.
    struct Member {
        address operator;
        uint40 since;
    }

    /// Who stood at a place after block `since` and up to block `until`, when it was moved to the place of one that left.
    struct Moved {
        address operator;
        uint40 since;
        uint40 until;
    }

    /// Where an operator stands in a model's set, counted from 1, and since which block it is in it; 0 for who is not.
    struct Place {
        uint32 number;
        uint40 joinedAt;
    }

    /// @inheritdoc IOperatorRegistry
    address public immutable oracle;
    /// @inheritdoc IOperatorRegistry
    address public immutable disputeGame;
    uint128 private immutable MIN_STAKE_WEI;
    uint128 private immutable ASSERTION_BOND_WEI;
    uint128 private immutable MAX_ASSERTION_BOND_WEI;
    uint32 private immutable UNBONDING_SECONDS;
    address private immutable ATTENTION;

    mapping(address operator => Account) private _accounts;
    /// Without holes, so that one draw nearly always finds somebody.
    mapping(ModelId modelId => Member[]) private _members;
    mapping(ModelId modelId => mapping(address operator => Place)) private _places;
    /// For draws of requests that are older than a move, as long as there can be any.
    mapping(ModelId modelId => mapping(uint256 index => Moved)) private _moved;

    constructor(address oracle_, address disputeGame_, OperatorParameters memory parameters_) {
        if (oracle_ == address(0)) revert InvalidParameter("oracle", 0, 1);
        if (disputeGame_ == address(0)) revert InvalidParameter("disputeGame", 0, 1);
        if (parameters_.assertionBondWei == 0) revert InvalidParameter("assertionBondWei", 0, 1);
        if (parameters_.maxAssertionBondWei < parameters_.assertionBondWei) {
            revert InvalidParameter(
                "maxAssertionBondWei", parameters_.maxAssertionBondWei, parameters_.assertionBondWei
            );
        }
        // INVARIANT: exposure never exceeds stake: who serves can lock at least one bond.
        if (parameters_.minStakeWei < parameters_.assertionBondWei) {
            revert InvalidParameter("minStakeWei", parameters_.minStakeWei, parameters_.assertionBondWei);
        }
        if (parameters_.minStakeWei > type(uint88).max) {
            revert InvalidParameter("minStakeWei", parameters_.minStakeWei, type(uint88).max);
        }
        oracle = oracle_;
        disputeGame = disputeGame_;
        MIN_STAKE_WEI = parameters_.minStakeWei;
        ASSERTION_BOND_WEI = parameters_.assertionBondWei;
        MAX_ASSERTION_BOND_WEI = parameters_.maxAssertionBondWei;
        UNBONDING_SECONDS = parameters_.unbondingSeconds;
        ATTENTION = parameters_.attention;
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
        if (stakeWei > type(uint88).max) revert AmountTooLarge(stakeWei);

        _setFree(account, stakeWei, account.lockedWei);
        emit Deposited(msg.sender, msg.value, stakeWei);
    }

    /// @inheritdoc IOperatorRegistry
    function joinModel(ModelId modelId) external {
        Account storage account = _accounts[msg.sender];
        if (account.jailed) revert OperatorJailed(msg.sender);
        if (account.stakeWei < MIN_STAKE_WEI) revert StakeTooLow(account.stakeWei, MIN_STAKE_WEI);
        Place storage place = _places[modelId][msg.sender];
        if (place.number != 0) revert AlreadyServing(msg.sender, modelId);

        Member[] storage members = _members[modelId];
        members.push(Member(msg.sender, uint40(block.number)));
        place.number = uint32(members.length);
        place.joinedAt = uint40(block.number);
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
        uint32 number = _places[modelId][operator].number;
        if (number == 0) revert NotServing(operator, modelId);

        Member[] storage members = _members[modelId];
        uint256 lastIndex = members.length - 1;
        if (number - 1 != lastIndex) _moveLast(modelId, members, lastIndex, number);
        delete _places[modelId][operator];
        members.pop();
        --_accounts[operator].modelCount;
        emit LeftModel(operator, modelId);
    }

    /// @dev Moves the last of a set to the place of one that leaves. INVARIANT: nobody can take an assignment from another by leaving: requests
    /// asked before find who was last where it stood.
    function _moveLast(ModelId modelId, Member[] storage members, uint256 lastIndex, uint32 number) private {
        Member memory last = members[lastIndex];
        Moved storage moved = _moved[modelId][lastIndex];
        // Of two that were moved from one place within 256 blocks the first is kept: it stood there longer.
        if (moved.operator == address(0) || block.number > moved.until + HASHED_BLOCKS) {
            moved.operator = last.operator;
            moved.since = last.since;
            moved.until = uint40(block.number);
        }
        members[number - 1] = Member(last.operator, uint40(block.number));
        _places[modelId][last.operator].number = number;
    }

    /// @dev Sets what of an account's stake is free, and notes when that becomes enough for the least bond, and for the highest.
    function _setFree(Account storage account, uint256 stakeWei, uint256 lockedWei) private {
        uint256 before = account.stakeWei - account.lockedWei;
        uint256 free = stakeWei - lockedWei;
        if (before < ASSERTION_BOND_WEI && free >= ASSERTION_BOND_WEI) account.fitSince = uint32(block.number);
        if (before < MAX_ASSERTION_BOND_WEI && free >= MAX_ASSERTION_BOND_WEI) {
            account.ampleSince = uint32(block.number);
        }
        account.stakeWei = uint88(stakeWei);
        account.lockedWei = uint88(lockedWei);
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
        account.stakeWei = uint88(left);
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

        account.lockedWei += uint88(amountWei);
        emit Locked(operator, amountWei);
    }

    /// @inheritdoc IOperatorRegistry
    function unlock(address operator, uint256 amountWei) external onlyOracle {
        Account storage account = _accounts[operator];
        _setFree(account, account.stakeWei, account.lockedWei - amountWei);
        emit Unlocked(operator, amountWei);
    }

    /// @inheritdoc IOperatorRegistry
    function slash(address operator, uint256 amountWei, address recipient, uint256 paidWei) external onlyOracle {
        Account storage account = _accounts[operator];
        account.lockedWei -= uint88(amountWei);
        account.stakeWei -= uint88(amountWei);
        account.jailed = true;
        uint256 burnedWei = amountWei - paidWei;
        emit Slashed(operator, amountWei, paidWei, burnedWei);

        IDisputeGame(disputeGame).onSlashed{value: paidWei}(recipient);
        Burn.burn(burnedWei);
    }

    /// @inheritdoc IOperatorRegistry
    function fine(address operator, uint256 amountWei, address recipient, uint256 paidWei)
        external
    {
        if (msg.sender != oracle && msg.sender != ATTENTION) revert NotOracle(msg.sender);
        uint256 mostWei = ASSERTION_BOND_WEI / 10;
        if (amountWei > mostWei) revert FineTooHigh(amountWei, mostWei);
        Account storage account = _accounts[operator];
        // INVARIANT: a fine takes only what is free; what assertions hold stays theirs.
        if (account.stakeWei - account.lockedWei < amountWei) return;

        account.stakeWei -= uint88(amountWei);
        Account storage gainer = _accounts[recipient];
        _setFree(gainer, gainer.stakeWei + paidWei, gainer.lockedWei);
        emit Fined(operator, recipient, amountWei, paidWei);

        Burn.burn(amountWei - paidWei);
    }

    /// @inheritdoc IOperatorRegistry
    function parameters() external view returns (OperatorParameters memory) {
        return OperatorParameters({
            minStakeWei: MIN_STAKE_WEI,
            assertionBondWei: ASSERTION_BOND_WEI,
            maxAssertionBondWei: MAX_ASSERTION_BOND_WEI,
            unbondingSeconds: UNBONDING_SECONDS,
            attention: ATTENTION
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
        return _places[modelId][operator].number != 0 && !_accounts[operator].jailed;
    }

    /// @inheritdoc IOperatorRegistry
    function servingCount(ModelId modelId) external view returns (uint256) {
        return _members[modelId].length;
    }

    /// @inheritdoc IOperatorRegistry
    function pick(ModelId modelId, bytes32 seed, uint256 memberCount, uint256 requestBlock, uint256 bondWei)
        external
        view
        returns (address operator, bool firstDrawn)
    {
        if (memberCount == 0) return (address(0), false);
        address busy;
        uint256 draws = memberCount == 1 ? 1 : MAX_DRAWS;
        for (uint256 i = 0; i < draws; ++i) {
            uint256 index = uint256(keccak256(abi.encode(seed, i))) % memberCount;
            operator = _memberAt(modelId, index, requestBlock);
            if (operator == address(0)) continue;
            Account storage account = _accounts[operator];
            if (account.jailed) continue;
            // INVARIANT: nobody can make itself fit for a request that it has seen.
            if (account.stakeWei - account.lockedWei >= bondWei && account.fitSince < requestBlock) {
                // Who could lock the highest bond before the request, and ever since, could lock this one: no less is known of others.
                bool surely = bondWei == ASSERTION_BOND_WEI
                    || (account.ampleSince < requestBlock && account.stakeWei - account.lockedWei >= MAX_ASSERTION_BOND_WEI);
                return (operator, i == 0 && surely);
            }
            if (busy == address(0)) busy = operator;
        }
        return (busy, false);
    }

    /// @dev Who stood at a place when a request was made, if it is still in the set; zero otherwise.
    function _memberAt(ModelId modelId, uint256 index, uint256 requestBlock) private view returns (address) {
        Member[] storage members = _members[modelId];
        if (index < members.length) {
            Member memory member = members[index];
            // INVARIANT: nobody can join for a request that it has seen.
            if (member.since < requestBlock) return member.operator;
        }
        Moved memory moved = _moved[modelId][index];
        if (moved.since >= requestBlock || requestBlock > moved.until) return address(0);
        Place memory place = _places[modelId][moved.operator];
        return place.number != 0 && place.joinedAt < requestBlock ? moved.operator : address(0);
    }
}
