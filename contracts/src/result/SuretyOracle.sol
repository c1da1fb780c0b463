// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IOracleExtension} from "../interfaces/IOracleExtension.sol";
import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {OracleStore} from "../request/OracleStore.sol";
import {ParameterChecks} from "../request/ParameterChecks.sol";
import {Delegation, FeeToken, InferenceRequest, OracleParameters} from "../types/OracleTypes.sol";
import {AssertionId, RequestId} from "../types/SuretyTypes.sol";
import {Answers} from "./Answers.sol";
import {Disputable} from "./Disputable.sol";
import {OracleExtension} from "./OracleExtension.sol";

/// @title The oracle: request, post, finalise, deliver, revoke, reuse, refund.
/// @dev What most requests need is here. The rest is the extension's code, run on this contract's storage. INVARIANT: that code is created here with these
/// parameters and cannot be replaced.
contract SuretyOracle is Answers, Disputable, IERC5267 {
    /// @inheritdoc ISuretyOracle
    address public immutable extension;

    constructor(
        address modelRegistry_,
        address operatorRegistry_,
        address disputeGame_,
        OracleParameters memory parameters_,
        FeeToken[] memory feeTokens_
    ) OracleStore(modelRegistry_, operatorRegistry_, disputeGame_, parameters_) {
        ParameterChecks.requireValid(modelRegistry_, operatorRegistry_, disputeGame_, parameters_);
        _setFeeTokens(feeTokens_);
        extension = address(new OracleExtension(modelRegistry_, operatorRegistry_, disputeGame_, parameters_));
    }

    /// @inheritdoc IOracleExtension
    function requestInferenceFor(InferenceRequest calldata, Delegation calldata, bytes calldata)
        external
        payable
        returns (RequestId)
    {
        _extended();
    }

    /// @inheritdoc IOracleExtension
    function requestInferenceByReferenceFor(
        InferenceRequest calldata,
        bytes32,
        string calldata,
        Delegation calldata,
        bytes calldata
    ) external payable returns (RequestId) {
        _extended();
    }

    /// @inheritdoc IOracleExtension
    function requestBatch(InferenceRequest calldata, uint256) external payable returns (RequestId) {
        _extended();
    }

    /// @inheritdoc IOracleExtension
    function showItem(AssertionId, uint256, bytes32, bytes32[] calldata, bytes32, bytes32[] calldata)
        external
        returns (AssertionId)
    {
        _extended();
    }

    /// @inheritdoc IOracleExtension
    function reuse(RequestId, bytes32, bytes calldata, address) external payable {
        _extended();
    }

    /// @inheritdoc IOracleExtension
    function chooseEarlyFinality(RequestId, address) external {
        _extended();
    }

    /// @inheritdoc IOracleExtension
    function finaliseEarly(RequestId, bytes calldata, bytes calldata) external {
        _extended();
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        // The fields that the domain has (name, version, chain, contract), and those: as the extension signs for.
        return (hex"0f", "Surety", "1", block.chainid, address(this), 0, new uint256[](0));
    }

    /// @dev Ends the call with what the extension's function of the same name returns, or reverts with.
    function _extended() private {
        address target = extension;
        // Memory-safe: the call ends here, so nobody misses what was in memory.
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let success := delegatecall(gas(), target, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            if iszero(success) { revert(free, returndatasize()) }
            return(free, returndatasize())
        }
    }
}
