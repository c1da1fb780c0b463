// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Batches} from "../request/Batches.sol";
import {DelegatedRequests} from "../request/DelegatedRequests.sol";
import {OracleStore} from "../request/OracleStore.sol";
import {OracleParameters} from "../types/OracleTypes.sol";
import {EarlyFinality} from "./EarlyFinality.sol";
import {Reuse} from "./Reuse.sol";

/// @title The second part of the oracle's code: what only some requests need. One contract could not hold both (EIP-170: 24,576 bytes).
/// @dev The oracle creates it with its own parameters and runs its functions as its own (`delegatecall`), on its storage, under its lock. By itself it is
/// nothing: it holds no requests, and refuses to take any.
contract OracleExtension is DelegatedRequests, Batches, EarlyFinality, Reuse {
    constructor(
        address modelRegistry_,
        address operatorRegistry_,
        address disputeGame_,
        OracleParameters memory parameters_
    ) OracleStore(modelRegistry_, operatorRegistry_, disputeGame_, parameters_) {}
}
