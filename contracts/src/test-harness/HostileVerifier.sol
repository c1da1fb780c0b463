// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IEarlyFinality} from "../interfaces/IEarlyFinality.sol";

/// @notice A verifier that answers in every way a verifier should not, and in the two in which it may. For tests.
contract HostileVerifier is IEarlyFinality {
    enum Behaviour {
        SayYes,
        SayNo,
        Revert,
        BurnGas,
        ReturnJunk,
        ReturnNothing,
        ReturnMuch,
        RevertMuch
    }

    uint256 private constant MUCH = 65_536;
    Behaviour private _behaviour;

    function behave(Behaviour behaviour) external {
        _behaviour = behaviour;
    }

    /// @inheritdoc IEarlyFinality
    function allows(Answer calldata, bytes calldata) external view returns (bool) {
        Behaviour behaviour = _behaviour;
        if (behaviour == Behaviour.SayYes) return true;
        if (behaviour == Behaviour.SayNo) return false;
        assembly ("memory-safe") {
            mstore(0, 1)
            switch behaviour
            case 2 { revert(0, 32) }
            case 3 { invalid() }
            case 4 {
                mstore(0, 2)
                return(0, 32)
            }
            case 5 { return(0, 0) }
            case 6 {
                let free := mload(0x40)
                mstore(free, 1)
                return(free, MUCH)
            }
            default {
                let free := mload(0x40)
                mstore(free, 1)
                revert(free, MUCH)
            }
        }
    }
}
