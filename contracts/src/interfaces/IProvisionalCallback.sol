// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {RequestId} from "../types/SuretyTypes.sol";

/// @title What a consumer implements besides `IInferenceCallback` to be told answers before they are final.
interface IProvisionalCallback {
    /// @notice An answer was posted. It may still be proven wrong: `onRevoked` says so then.
    /// @param output Concatenation of the model's output tensors, little-endian, row-major.
    function onProvisionalInference(RequestId requestId, bytes calldata output) external;

    /// @notice What `onProvisionalInference` said was wrong. Comes once, and before any further answer to this request.
    function onRevoked(RequestId requestId) external;
}
