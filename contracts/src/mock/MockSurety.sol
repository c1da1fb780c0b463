// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {Question} from "../libraries/Question.sol";
import {SuretyOracle} from "../result/SuretyOracle.sol";
import {OracleParameters, RequestView} from "../types/OracleTypes.sol";
import {AssertionId, ModelId, RequestId, RequestStatus} from "../types/SuretyTypes.sol";
import {MockOracle} from "./MockOracle.sol";

/// @title For tests of consumers: the oracle itself, with this contract in place of its registries, its nodes and its dispute game.
/// @notice `oracle` is the production contract, so a consumer meets its ABI, quotes, callbacks and errors. Answers are whatever a test says:
/// `answer` posts one, `finalise` makes it final, `refute` proves it wrong. No stake, no models, no games: deploy this and go on. Everything may happen
/// in one block, the first of a chain too.
contract MockSurety {
    /// @notice What a consumer is deployed with.
    SuretyOracle public immutable oracle;

    struct Model {
        ModelId modelId;
        uint32[] inputBytes;
        uint32[] outputBytes;
    }

    mapping(ModelId modelId => uint32) private _numbers;
    /// Model number 1 is the first.
    Model[] private _models;

    /// @notice Thrown when a test adds a model twice.
    error ModelExists(ModelId modelId);
    /// @notice Thrown when a test refutes what has no answer, or a final one.
    error NotAnswered(RequestId requestId);

    /// @param baseFeeWei What `quote` asks for besides the callbacks' gas.
    /// @param callbackGasPriceWei What `quote` asks for each unit of callback gas.
    constructor(uint128 baseFeeWei, uint128 callbackGasPriceWei) {
        OracleParameters memory parameters;
        parameters.baseFeeWei = baseFeeWei;
        parameters.callbackGasPriceWei = callbackGasPriceWei;
        (parameters.assertionBondWei, parameters.maxAssertionBondWei) = (1 ether, 100 ether);
        // The least that the constructor takes. Neither is waited for.
        (parameters.exclusiveSeconds, parameters.challengeWindowSeconds) = (1, 1);
        parameters.maxChallengeWindowSeconds = 1;
        (parameters.burnBps, parameters.bondBps, parameters.reuseFeeBps) = (2_000, 1_000, 1_000);
        oracle = new MockOracle(parameters);
    }

    /// @notice Takes a model of any id, with the sizes of its inputs and outputs.
    function addModel(ModelId modelId, uint32[] calldata inputBytes, uint32[] calldata outputBytes) external {
        if (_numbers[modelId] != 0) revert ModelExists(modelId);
        _models.push(Model(modelId, inputBytes, outputBytes));
        _numbers[modelId] = uint32(_models.length);
    }

    /// @notice Posts an answer: consumers that asked for provisional ones are called back.
    function answer(RequestId requestId, bytes calldata output) external {
        RequestView memory request = oracle.requestOf(requestId);
        oracle.post(requestId, Question.hash(request.modelId, request.inputRoot, request.itemCount), output);
    }

    /// @notice Makes the posted answer final: consumers that asked for final ones are called back. The same as the oracle's own.
    function finalise(RequestId requestId, bytes calldata output) external {
        oracle.finalise(requestId, output);
    }

    /// @notice Proves the posted answer wrong: the request is open again. `oracle.revoke` tells the consumer, as in production.
    function refute(RequestId requestId) external {
        RequestView memory request = oracle.requestOf(requestId);
        if (request.status != RequestStatus.Asserted) revert NotAnswered(requestId);
        oracle.onRefuted(AssertionId.wrap(RequestId.unwrap(requestId) * 256 + request.attempt), msg.sender);
    }

    /// @dev As `IModelRegistry`.
    function summary(ModelId modelId) public view returns (IModelRegistry.ModelSummary memory found) {
        uint32 number = _numbers[modelId];
        if (number == 0) return found;
        Model storage model = _models[number - 1];
        found.inputBytes = _sum(model.inputBytes);
        found.outputBytes = _sum(model.outputBytes);
        found.inputCount = uint32(model.inputBytes.length);
        found.outputCount = uint32(model.outputBytes.length);
        found.registered = true;
        found.number = number;
    }

    /// @dev As `IModelRegistry`.
    function modelAt(uint32 number) external view returns (ModelId modelId, IModelRegistry.ModelSummary memory) {
        if (number != 0) modelId = _models[number - 1].modelId;
        return (modelId, summary(modelId));
    }

    /// @dev As `IModelRegistry`.
    function inputBytesOf(ModelId modelId) external view returns (uint32[] memory) {
        return _models[_numbers[modelId] - 1].inputBytes;
    }

    /// @dev As `IModelRegistry`.
    function outputBytesOf(ModelId modelId) external view returns (uint32[] memory) {
        return _models[_numbers[modelId] - 1].outputBytes;
    }

    /// @dev As `IOperatorRegistry`: this contract serves every model and is always drawn.
    function servingCount(ModelId) external pure returns (uint256) {
        return 1;
    }

    /// @dev As `IOperatorRegistry`.
    function pick(ModelId, bytes32, uint256, uint256, uint256) external view returns (address, bool) {
        return (address(this), true);
    }

    /// @dev As `IOperatorRegistry`.
    function serves(address operator, ModelId) external view returns (bool) {
        return operator == address(this);
    }

    /// @dev As `IOperatorRegistry`: there is no stake to lock.
    function lock(address, uint256) external pure {}

    /// @dev As `IOperatorRegistry`.
    function unlock(address, uint256) external pure {}

    /// @dev As `IOperatorRegistry`.
    function slash(address, uint256, address, uint256) external pure {}

    function _sum(uint32[] storage sizes) private view returns (uint64 total) {
        for (uint256 i = 0; i < sizes.length; ++i) total += sizes[i];
    }
}
