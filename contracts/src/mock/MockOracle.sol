// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SuretyOracle} from "../result/SuretyOracle.sol";
import {FeeToken, OracleParameters} from "../types/OracleTypes.sol";

/// @title The oracle as tests of consumers need it: nothing waits for another block.
/// @dev No turn to wait for, since the draw needs the hash of the request's block, and no window.
contract MockOracle is SuretyOracle {
    constructor(OracleParameters memory parameters_)
        SuretyOracle(msg.sender, msg.sender, msg.sender, parameters_, new FeeToken[](0))
    {}

    function _isExclusive(StoredRequest storage) internal pure override returns (bool) {
        return false;
    }

    function _windowOf(uint256) internal pure override returns (uint256) {
        return 0;
    }
}
