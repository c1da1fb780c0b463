// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ITokenLedger} from "../interfaces/ITokenLedger.sol";
import {CreditLedger} from "./CreditLedger.sol";

/// @title Credits in native currency and in tokens, each token by itself: what one of them does cannot touch the others.
abstract contract TokenLedger is ITokenLedger, CreditLedger {
    using SafeERC20 for IERC20;

    mapping(address token => mapping(address account => uint256 amount)) private _tokenCredits;

    /// @inheritdoc ITokenLedger
    function withdrawToken(address token) external nonReentrant {
        uint256 amount = _tokenCredits[token][msg.sender];
        if (amount == 0) revert NothingToWithdraw();

        _tokenCredits[token][msg.sender] = 0;
        emit TokenWithdrawn(token, msg.sender, amount);

        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc ITokenLedger
    function tokenCreditOf(address token, address account) external view returns (uint256 amount) {
        return _tokenCredits[token][account];
    }

    function _creditToken(address token, address account, uint256 amount) internal {
        if (amount == 0) return;
        _tokenCredits[token][account] += amount;
        emit TokenCredited(token, account, amount);
    }

    /// @dev Takes an amount from who allowed it. The caller holds the lock and has stored everything.
    function _collectToken(address token, address payer, uint256 amount) internal {
        if (amount == 0) return;
        uint256 balanceBefore = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        uint256 balance = IERC20(token).balanceOf(address(this));
        uint256 received = balance < balanceBefore ? 0 : balance - balanceBefore;
        // INVARIANT: the ledger owes no more of a token than came in.
        if (received < amount) revert TokenPaymentShort(token, received, amount);
    }
}
