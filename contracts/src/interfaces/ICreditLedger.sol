// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title What a contract owes to whom. Payments are pulled, so that no recipient can stand in the way of anybody's move.
interface ICreditLedger {
    event Credited(address indexed account, uint256 amountWei);
    event Withdrawn(address indexed account, uint256 amountWei);

    error NothingToWithdraw();
    /// @notice Thrown when the recipient refuses what it is paid.
    error PaymentFailed(address recipient, uint256 amountWei);

    /// @notice Pays out all that is owed to the caller.
    function withdraw() external;

    function creditOf(address account) external view returns (uint256 amountWei);
}
