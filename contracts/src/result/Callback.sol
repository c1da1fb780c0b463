// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracleBase} from "../interfaces/IOracleBase.sol";

/// @title The call to a consumer, which may be hostile.
library Callback {
    /// @notice Bytes of return data that are kept: an error's selector and four words.
    uint256 internal constant MAX_RETURN_BYTES = 132;
    /// @notice Gas kept for what follows the callback.
    uint256 internal constant RESERVED_GAS = 20_000;

    /// @notice Calls a consumer with exactly `callbackGas`, or with all the gas there is (`generous`), never less.
    /// @param data Selector and arguments.
    /// @return success False when the consumer reverted, ran out of gas, or has no code.
    /// @return returnData The first bytes of what it returned.
    function call(address consumer, uint256 callbackGas, bool generous, bytes memory data)
        internal
        returns (bool success, bytes memory returnData)
    {
        if (consumer.code.length == 0) return (false, "");
        uint256 availableGas = gasleft();
        // A call can pass on 63/64 of the gas at hand; asked for more, it silently passes on less.
        uint256 requiredGas = callbackGas + callbackGas / 63 + RESERVED_GAS;
        // INVARIANT: nobody can make a delivery fail by sending too little gas.
        if (availableGas < requiredGas) revert IOracleBase.CallbackGasTooLow(availableGas, requiredGas);
        uint256 givenGas = generous ? (availableGas - RESERVED_GAS) / 64 * 63 : callbackGas;
        if (givenGas < callbackGas) givenGas = callbackGas;

        assembly ("memory-safe") {
            success := call(givenGas, consumer, 0, add(data, 32), mload(data), 0, 0)
            let size := returndatasize()
            if gt(size, MAX_RETURN_BYTES) { size := MAX_RETURN_BYTES }
            returnData := mload(0x40)
            mstore(returnData, size)
            returndatacopy(add(returnData, 32), 0, size)
            mstore(0x40, and(add(add(returnData, 63), size), not(31)))
        }
    }
}
