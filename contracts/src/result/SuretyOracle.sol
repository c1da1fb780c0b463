// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {OracleStore} from "../request/OracleStore.sol";
import {Disputable} from "./Disputable.sol";
import {Reuse} from "./Reuse.sol";

/// @title The oracle: request, post, finalise, deliver, revoke, reuse, refund.
contract SuretyOracle is Reuse, Disputable {
    constructor(
        address modelRegistry_,
        address operatorRegistry_,
        address disputeGame_,
        OracleParameters memory parameters_,
        FeeToken[] memory feeTokens_
    ) OracleStore(modelRegistry_, operatorRegistry_, disputeGame_, parameters_, feeTokens_) {}
}
