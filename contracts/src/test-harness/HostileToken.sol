// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that behaves as it is told to. For tests only.
contract HostileToken is ERC20 {
    enum Behaviour {
        Honest,
        Revert,
        /// Returns false and moves nothing.
        ReturnFalse,
        /// Returns true and moves nothing.
        MoveNothing,
        /// Keeps a hundredth of each transfer.
        FeeOnTransfer,
        /// Says that the holder has less after than before.
        ShrinkingBalance,
        Reenter,
        /// Moves as it should and returns nothing, as some old tokens do.
        ReturnNothing
    }

    Behaviour public behaviour;
    mapping(address account => bool) public blocked;
    address private _target;
    bytes private _data;
    bool public reentered;
    bytes public reentryError;
    uint256 private _moves;
    uint256 private _movesBefore;

    error Refused();
    error Blocked(address account);

    constructor() ERC20("Hostile", "HOST") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function behave(Behaviour behaviour_) external {
        behaviour = behaviour_;
        _movesBefore = _moves;
    }

    function reenterWith(address target, bytes calldata data) external {
        behaviour = Behaviour.Reenter;
        _target = target;
        _data = data;
    }

    function block_(address account, bool blocked_) external {
        blocked[account] = blocked_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        uint256 balance = super.balanceOf(account);
        return behaviour == Behaviour.ShrinkingBalance && _moves > _movesBefore ? balance / 2 : balance;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _spendAllowance(from, msg.sender, amount);
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        ++_moves;
        Behaviour how = behaviour;
        if (how == Behaviour.Revert) revert Refused();
        if (how == Behaviour.ReturnFalse) return false;
        if (how == Behaviour.MoveNothing) return true;
        if (how == Behaviour.Reenter) {
            (reentered, reentryError) = _target.call(_data);
        }
        _transfer(from, to, amount);
        if (how == Behaviour.FeeOnTransfer) _burn(to, amount / 100);
        if (how == Behaviour.ReturnNothing) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        return true;
    }
}
