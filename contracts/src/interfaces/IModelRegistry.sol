// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ModelHeader, ModelId} from "../types/SuretyTypes.sol";

/// @title Model registry: permissionless, content-addressed.
interface IModelRegistry {
    /// @notice What requests and posts need of a model, in one slot.
    struct ModelSummary {
        /// Bytes of all inputs together.
        uint64 inputBytes;
        /// Bytes of all outputs together.
        uint64 outputBytes;
        uint32 inputCount;
        uint32 outputCount;
        bool registered;
        /// The models are numbered from 1, so that a request can name its model in few bytes.
        uint32 number;
    }

    event ModelRegistered(ModelId indexed modelId, address indexed registrant, ModelHeader header, string uri);

    error AlreadyRegistered(ModelId modelId);
    error NotRegistered(ModelId modelId);
    /// @notice Thrown when a header breaks a limit; `field` names it.
    error InvalidHeader(string field);

    /// @notice Registers a model. Checks counts and sizes only: nodes validate the program before they serve it.
    function register(ModelHeader calldata header, string calldata uri) external returns (ModelId modelId);

    /// @notice Most bytes of all inputs together with which a request always fits into a transaction (2^24 gas, EIP-7825). A model may
    /// have more: its inputs are given by reference (`ISuretyOracle.requestInferenceByReference`).
    function MAX_INPUT_BYTES() external view returns (uint256);

    /// @notice Most bytes of all outputs together with which posting, and finalising with the dearest callback, always fits into a
    /// transaction. A model may have more: its outputs are posted by reference (`ISuretyOracle.postByReference`).
    function MAX_OUTPUT_BYTES() external view returns (uint256);

    function summary(ModelId modelId) external view returns (ModelSummary memory);

    /// @notice The model of a number and its summary; zeros when there is none.
    function modelAt(uint32 number) external view returns (ModelId, ModelSummary memory);

    /// @notice Bytes of each input, in order.
    function inputBytesOf(ModelId modelId) external view returns (uint32[] memory);

    /// @notice Bytes of each output, in order.
    function outputBytesOf(ModelId modelId) external view returns (uint32[] memory);
}
