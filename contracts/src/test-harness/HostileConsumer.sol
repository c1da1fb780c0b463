// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IInferenceCallback} from "../interfaces/IInferenceCallback.sol";
import {IProvisionalCallback} from "../interfaces/IProvisionalCallback.sol";
import {RequestId} from "../types/SuretyTypes.sol";

/// @title A consumer that behaves as it is told to. For tests only.
contract HostileConsumer is IInferenceCallback, IProvisionalCallback {
    enum Behaviour {
        Accept,
        Revert,
        BurnGas,
        ReturnMuch,
        RevertMuch,
        Reenter,
        /// Counts as hostile: needs more gas than it asked for.
        NeedGas
    }

    Behaviour public behaviour;
    uint256 public received;
    uint256 public receivedProvisionally;
    uint256 public revocations;
    /// @notice Gas that the last callback began with.
    uint256 public gasGiven;
    bytes public lastOutput;
    address private _target;
    bytes private _data;
    bool public acceptsPayment;
    /// @notice What a reentering call gave.
    bool public reentered;
    bytes public reentryError;

    error Refused(uint256 a, uint256 b, uint256 c, uint256 d, uint256 e);

    function behave(Behaviour behaviour_) external {
        behaviour = behaviour_;
    }

    function reenterWith(address target, bytes calldata data) external {
        behaviour = Behaviour.Reenter;
        _target = target;
        _data = data;
    }

    function acceptPayment(bool accepts) external {
        acceptsPayment = accepts;
    }

    /// @notice Calls anything as this contract, and bubbles up what it reverts with.
    function execute(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool success, bytes memory result) = target.call{value: msg.value}(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    /// @inheritdoc IInferenceCallback
    function onInference(RequestId, bytes calldata output) external {
        gasGiven = _act();
        ++received;
        lastOutput = output;
    }

    /// @inheritdoc IProvisionalCallback
    function onProvisionalInference(RequestId, bytes calldata output) external {
        gasGiven = _act();
        ++receivedProvisionally;
        lastOutput = output;
    }

    /// @inheritdoc IProvisionalCallback
    function onRevoked(RequestId) external {
        gasGiven = _act();
        ++revocations;
        delete lastOutput;
    }

    function _act() private returns (uint256 gasAtStart) {
        gasAtStart = gasleft();
        Behaviour how = behaviour;
        if (how == Behaviour.Revert) revert Refused(1, 2, 3, 4, 5);
        if (how == Behaviour.BurnGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (how == Behaviour.ReturnMuch || how == Behaviour.RevertMuch) {
            assembly {
                mstore(0, not(0))
                if eq(how, 3) { return(0, 65536) }
                revert(0, 65536)
            }
        }
        if (how == Behaviour.Reenter) {
            (bool success, bytes memory result) = _target.call(_data);
            reentered = success;
            reentryError = result;
        }
        if (how == Behaviour.NeedGas && gasAtStart < 400_000) revert();
    }

    receive() external payable {
        if (!acceptsPayment) revert Refused(0, 0, 0, 0, 0);
    }
}
