// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MockSurety} from "../mock/MockSurety.sol";
import {InferenceRequest} from "../types/OracleTypes.sol";
import {Delivery, ModelId, RequestId} from "../types/SuretyTypes.sol";

/// @title A consumer's whole test in one transaction: the mock deployed, asked, answered wrongly and rightly, and final. For tests only.
contract MockAtOnce {
    ModelId private constant MODEL = ModelId.wrap(bytes32(uint256(7)));

    uint256 public immutable blockNumber;

    constructor() {
        MockSurety mock = new MockSurety(0, 0);
        uint32[] memory four = new uint32[](1);
        four[0] = 4;
        mock.addModel(MODEL, four, four);
        RequestId id = mock.oracle().requestInference(
            InferenceRequest({
                modelId: MODEL,
                input: hex"01020304",
                callbackGas: 0,
                delivery: Delivery.Pull,
                deadline: type(uint40).max,
                feeToken: address(0),
                valueAtRiskWei: 0
            })
        );
        mock.answer(id, hex"00000000");
        mock.refute(id);
        mock.answer(id, hex"0a0b0c0d");
        mock.finalise(id, hex"0a0b0c0d");
        assert(mock.oracle().isResult(id, hex"0a0b0c0d"));
        blockNumber = block.number;
    }
}
