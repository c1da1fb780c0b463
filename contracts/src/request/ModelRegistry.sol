// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {MAX_CALLDATA_BYTES} from "../types/Limits.sol";
import {ModelHeader, ModelId} from "../types/SuretyTypes.sol";

/// @title Model registry.
contract ModelRegistry is IModelRegistry {
    uint16 public constant PROFILE_VERSION = 2;
    /// @notice Instructions and weight tensors of a program, each (docs/exact-profile.md, section 3).
    uint256 public constant MAX_TENSORS = 1 << 20;
    /// @notice Inputs and outputs of a model, each: bounds what a request and a committed trace cost.
    uint256 public constant MAX_PORTS = 64;
    /// @inheritdoc IModelRegistry
    uint256 public constant MAX_INPUT_BYTES = MAX_CALLDATA_BYTES;
    /// @inheritdoc IModelRegistry
    uint256 public constant MAX_OUTPUT_BYTES = MAX_CALLDATA_BYTES;

    struct Sizes {
        uint32[] inputBytes;
        uint32[] outputBytes;
    }

    mapping(ModelId modelId => ModelSummary) private _summaries;
    mapping(ModelId modelId => Sizes) private _sizes;
    mapping(uint32 number => ModelId) private _modelIds;
    uint32 private _count;

    /// @inheritdoc IModelRegistry
    function register(ModelHeader calldata header, string calldata uri) external returns (ModelId modelId) {
        modelId = ModelId.wrap(keccak256(abi.encode(header)));
        if (_summaries[modelId].registered) revert AlreadyRegistered(modelId);
        _checkCounts(header);

        uint32 number = ++_count;
        Sizes storage sizes = _sizes[modelId];
        uint64 inputBytes;
        uint64 outputBytes;
        for (uint256 i = 0; i < header.inputBytes.length; ++i) {
            uint32 size = header.inputBytes[i];
            if (size == 0) revert InvalidHeader("inputBytes");
            inputBytes += size;
            sizes.inputBytes.push(size);
        }
        for (uint256 i = 0; i < header.outputs.length; ++i) {
            uint32 size = header.outputs[i].bytes_;
            if (size == 0) revert InvalidHeader("outputs.bytes_");
            if (header.outputs[i].instruction >= header.instructionCount) revert InvalidHeader("outputs.instruction");
            outputBytes += size;
            sizes.outputBytes.push(size);
        }
        _modelIds[number] = modelId;
        _summaries[modelId] = ModelSummary({
            inputBytes: inputBytes,
            outputBytes: outputBytes,
            inputCount: uint32(header.inputBytes.length),
            outputCount: uint32(header.outputs.length),
            registered: true,
            number: number
        });
        emit ModelRegistered(modelId, msg.sender, header, uri);
    }

    function _checkCounts(ModelHeader calldata header) private pure {
        if (header.profileVersion != PROFILE_VERSION) revert InvalidHeader("profileVersion");
        if (header.programRoot == 0) revert InvalidHeader("programRoot");
        if (header.instructionCount == 0 || header.instructionCount > MAX_TENSORS) {
            revert InvalidHeader("instructionCount");
        }
        if (header.weightCount > MAX_TENSORS) revert InvalidHeader("weightCount");
        if ((header.weightCount == 0) != (header.weightsRoot == 0)) revert InvalidHeader("weightsRoot");
        if (header.inputBytes.length == 0 || header.inputBytes.length > MAX_PORTS) revert InvalidHeader("inputBytes");
        if (header.outputs.length == 0 || header.outputs.length > MAX_PORTS) revert InvalidHeader("outputs");
    }

    /// @inheritdoc IModelRegistry
    function summary(ModelId modelId) external view returns (ModelSummary memory) {
        return _summaries[modelId];
    }

    /// @inheritdoc IModelRegistry
    function modelAt(uint32 number) external view returns (ModelId, ModelSummary memory) {
        ModelId modelId = _modelIds[number];
        return (modelId, _summaries[modelId]);
    }

    /// @inheritdoc IModelRegistry
    function inputBytesOf(ModelId modelId) external view returns (uint32[] memory) {
        return _sizes[modelId].inputBytes;
    }

    /// @inheritdoc IModelRegistry
    function outputBytesOf(ModelId modelId) external view returns (uint32[] memory) {
        return _sizes[modelId].outputBytes;
    }
}
