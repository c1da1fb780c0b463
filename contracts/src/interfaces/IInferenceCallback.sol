// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {RequestId} from "../types/SuretyTypes.sol";

/// @title What a consumer implements to be called back.
interface IInferenceCallback {
    /// @param output Concatenation of the model's output tensors, little-endian, row-major.
    function onInference(RequestId requestId, bytes calldata output) external;
}
