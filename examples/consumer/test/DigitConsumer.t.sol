// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SuretyConsumer} from "@surety/contracts/src/result/SuretyConsumer.sol";
import {MockSurety} from "@surety/contracts/src/mock/MockSurety.sol";
import {ModelId, RequestId} from "@surety/contracts/src/types/SuretyTypes.sol";
import {DigitConsumer} from "../contracts/DigitConsumer.sol";

/// @dev What this test needs of the cheatcodes that Hardhat and Foundry have; forge-std has them all.
interface Vm {
    function roll(uint256 number) external;
    function warp(uint256 timestamp) external;
    function expectRevert(bytes calldata reason) external;
}

/// @dev MockSurety is the production oracle with answers that the test says: quotes, callbacks and errors are the real ones.
contract DigitConsumerTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    ModelId private constant MODEL_ID = ModelId.wrap(keccak256("any model will do"));

    MockSurety private _surety;
    DigitConsumer private _consumer;
    uint256 private _block = 100;

    function setUp() public {
        _surety = new MockSurety(1 gwei, 2);
        uint32[] memory inputBytes = new uint32[](1);
        uint32[] memory outputBytes = new uint32[](1);
        (inputBytes[0], outputBytes[0]) = (28 * 28 * 4, 10 * 4);
        _surety.addModel(MODEL_ID, inputBytes, outputBytes);
        _consumer = new DigitConsumer(_surety.oracle(), MODEL_ID);
    }

    function test_KeepsTheFinalAnswer() public {
        RequestId requestId = _ask();
        _nextBlock();
        _surety.answer(requestId, _scores(7));

        // Posted, but still open to disputes: nothing has reached the consumer.
        VM.expectRevert(abi.encodeWithSelector(DigitConsumer.NotAnswered.selector, requestId));
        _consumer.answerOf(requestId);

        _nextBlock();
        _surety.finalise(requestId, _scores(7));
        require(_consumer.answerOf(requestId) == 7, "the final answer is seven");
    }

    function test_ARefutedAnswerNeverArrives() public {
        RequestId requestId = _ask();
        _nextBlock();
        _surety.answer(requestId, _scores(1));
        _surety.refute(requestId);
        _nextBlock();
        _surety.answer(requestId, _scores(4));
        _nextBlock();
        _surety.finalise(requestId, _scores(4));
        require(_consumer.answerOf(requestId) == 4, "only the second answer counts");
    }

    function test_TakesAnswersOfTheOracleAlone() public {
        address oracle = address(_surety.oracle());
        VM.expectRevert(abi.encodeWithSelector(SuretyConsumer.OnlyOracle.selector, address(this), oracle));
        _consumer.onInference(RequestId.wrap(1), _scores(3));
    }

    function _ask() private returns (RequestId) {
        _nextBlock();
        return _consumer.ask{value: _consumer.feeWei()}(new bytes(28 * 28 * 4), uint40(block.timestamp + 1 hours));
    }

    /// @dev Blocks pass, as on any chain; the mock waits for none.
    function _nextBlock() private {
        VM.roll(++_block);
        VM.warp(1_700_000_000 + _block * 12);
    }

    /// @dev Ten f32: 1.0 for the digit, 0 for all others.
    function _scores(uint256 digit) private pure returns (bytes memory output) {
        output = new bytes(40);
        output[digit * 4 + 2] = 0x80;
        output[digit * 4 + 3] = 0x3f;
    }
}
