// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ICreditLedger} from "./ICreditLedger.sol";

/// @title What a contract owes to whom, in ERC-20 tokens too. Amounts of a token are in its smallest unit.
interface ITokenLedger is ICreditLedger {
    event TokenCredited(address indexed token, address indexed account, uint256 amount);
    event TokenWithdrawn(address indexed token, address indexed account, uint256 amount);

    /// @notice Thrown when less of a token arrived than was due, whatever the token says: it keeps a part, or lies.
    error TokenPaymentShort(address token, uint256 receivedAmount, uint256 requiredAmount);

    /// @notice Pays out all of a token that is owed to the caller.
    function withdrawToken(address token) external;

    function tokenCreditOf(address token, address account) external view returns (uint256 amount);
}
