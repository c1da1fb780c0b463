// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Gas of a call as a calling contract sees it (calldata of the transaction not counted): only for tests, never deployed.
contract GasMeter {
    function measure(address target, bytes calldata data) external view returns (uint256 gasUsed, bytes memory result) {
        bytes memory copy = data;
        // The dispute game has touched the referee's address before.
        target.staticcall("");
        uint256 before = gasleft();
        bool success;
        (success, result) = target.staticcall(copy);
        gasUsed = before - gasleft();
        require(success, "the call failed");
    }
}
