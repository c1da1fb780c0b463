// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ICreditLedger} from "../interfaces/ICreditLedger.sol";

/// @title Credits of one contract, and the lock that all its entry points share.
abstract contract CreditLedger is ICreditLedger, ReentrancyGuardTransient {
    mapping(address account => uint256 amountWei) private _credits;

    /// @inheritdoc ICreditLedger
    function withdraw() external nonReentrant {
        uint256 amountWei = _credits[msg.sender];
        if (amountWei == 0) revert NothingToWithdraw();

        _credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, amountWei);

        (bool sent,) = msg.sender.call{value: amountWei}("");
        if (!sent) revert PaymentFailed(msg.sender, amountWei);
    }

    /// @inheritdoc ICreditLedger
    function creditOf(address account) external view returns (uint256 amountWei) {
        return _credits[account];
    }

    function _credit(address account, uint256 amountWei) internal {
        if (amountWei == 0) return;
        _credits[account] += amountWei;
        emit Credited(account, amountWei);
    }
}
