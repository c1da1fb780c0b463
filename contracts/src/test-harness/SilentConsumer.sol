// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ISuretyOracle} from "../interfaces/ISuretyOracle.sol";
import {SuretyConsumer} from "../result/SuretyConsumer.sol";

/// @title A consumer that overrides nothing. For tests only.
contract SilentConsumer is SuretyConsumer {
    constructor(ISuretyOracle oracle_) SuretyConsumer(oracle_) {}
}
