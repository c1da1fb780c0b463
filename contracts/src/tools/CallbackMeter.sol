// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Stands in the oracle's place while a callback is measured: what `eth_call` runs instead of the oracle's code, never deployed.
/// @dev So the consumer sees the oracle as its caller. What it asks the oracle in turn is answered by the oracle's own code, which the simulation
/// puts at `SHADOW`, on the oracle's own storage. Only the oracle's lock is not held.
contract CallbackMeter {
    /// @notice Who sends the simulated call; nobody has its key.
    address public constant CALLER = address(0x5075);
    /// @notice Where the oracle's code stands meanwhile.
    address public constant SHADOW = address(0x5075C0DE);

    /// Bytes of return data that are shown: a long enough reason.
    uint256 private constant MAX_RETURN_BYTES = 1024;

    fallback() external payable {
        if (msg.sender == CALLER) _measure();
        else _passOn();
    }

    /// @dev Takes (uint256 gas, address consumer, bytes data), gives (bool success, bytes returnData).
    function _measure() private {
        (uint256 callbackGas, address consumer, bytes memory data) = abi.decode(msg.data, (uint256, address, bytes));
        bool success;
        bytes memory returnData;
        assembly ("memory-safe") {
            success := call(callbackGas, consumer, 0, add(data, 32), mload(data), 0, 0)
            let size := returndatasize()
            if gt(size, MAX_RETURN_BYTES) { size := MAX_RETURN_BYTES }
            returnData := mload(0x40)
            mstore(returnData, size)
            returndatacopy(add(returnData, 32), 0, size)
            mstore(0x40, and(add(add(returnData, 63), size), not(31)))
        }
        bytes memory result = abi.encode(success, returnData);
        assembly ("memory-safe") {
            return(add(result, 32), mload(result))
        }
    }

    function _passOn() private {
        (bool success, bytes memory result) = SHADOW.delegatecall(msg.data);
        assembly ("memory-safe") {
            if success { return(add(result, 32), mload(result)) }
            revert(add(result, 32), mload(result))
        }
    }
}
