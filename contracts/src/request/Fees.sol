// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracleBase} from "../interfaces/IOracleBase.sol";
import {Burn} from "../settle/Burn.sol";
import {TokenLedger} from "../settle/TokenLedger.sol";
import {FeeToken, OracleParameters} from "../types/OracleTypes.sol";
import {Delivery, InvalidParameter} from "../types/SuretyTypes.sol";
import {ParameterChecks} from "./ParameterChecks.sol";
import {Terms} from "./Terms.sol";

/// @title What a request costs, in native currency or in one of the tokens that were fixed at construction.
abstract contract Fees is Terms, TokenLedger {
    /// @inheritdoc IOracleBase
    uint32 public constant MAX_CALLBACK_GAS = 5_000_000;
    /// @notice Tokens that a deployment takes at most.
    uint256 public constant MAX_FEE_TOKENS = 8;

    uint128 internal immutable BASE_FEE_WEI;
    uint128 internal immutable CALLBACK_GAS_PRICE_WEI;
    uint16 internal immutable REUSE_FEE_BPS;

    FeeToken[] private _feeTokens;
    /// Place in `_feeTokens`, counted from 1: what requests store.
    mapping(address token => uint8) private _feeTokenNumbers;

    constructor(OracleParameters memory parameters_) Terms(parameters_) {
        BASE_FEE_WEI = parameters_.baseFeeWei;
        CALLBACK_GAS_PRICE_WEI = parameters_.callbackGasPriceWei;
        REUSE_FEE_BPS = parameters_.reuseFeeBps;
    }

    /// @dev While the oracle is constructed, once.
    function _setFeeTokens(FeeToken[] memory feeTokens_) internal {
        ParameterChecks.requireBetween("feeTokens", feeTokens_.length, 0, MAX_FEE_TOKENS);
        for (uint256 i = 0; i < feeTokens_.length; ++i) {
            FeeToken memory added = feeTokens_[i];
            if (added.token.code.length == 0) revert InvalidParameter("feeTokens.token", 0, 1);
            uint8 earlier = _feeTokenNumbers[added.token];
            if (earlier != 0) revert InvalidParameter("feeTokens.token", i, earlier - 1);
            ParameterChecks.requireBetween("feeTokens.baseFee", added.baseFee, 0, type(uint96).max);
            ParameterChecks.requireBetween("feeTokens.callbackGasPrice", added.callbackGasPrice, 0, type(uint64).max);
            _feeTokens.push(added);
            _feeTokenNumbers[added.token] = uint8(i + 1);
        }
    }

    /// @inheritdoc IOracleBase
    function feeTokens() external view returns (FeeToken[] memory) {
        return _feeTokens;
    }

    /// @inheritdoc IOracleBase
    function quoteReuse(address feeToken) public view returns (uint256 fee) {
        (uint256 baseFee,) = _pricesOf(_feeTokenNumber(feeToken));
        return baseFee * REUSE_FEE_BPS / Burn.BPS;
    }

    /// @dev 0 for native currency.
    function _feeTokenNumber(address feeToken) internal view returns (uint8 number) {
        if (feeToken == address(0)) return 0;
        number = _feeTokenNumbers[feeToken];
        if (number == 0) revert UnknownFeeToken(feeToken);
    }

    function _feeTokenAt(uint8 number) internal view returns (address feeToken) {
        return number == 0 ? address(0) : _feeTokens[number - 1].token;
    }

    function _pricesOf(uint8 feeTokenNumber) private view returns (uint256 baseFee, uint256 callbackGasPrice) {
        if (feeTokenNumber == 0) return (BASE_FEE_WEI, CALLBACK_GAS_PRICE_WEI);
        FeeToken storage feeToken = _feeTokens[feeTokenNumber - 1];
        return (feeToken.baseFee, feeToken.callbackGasPrice);
    }

    /// @dev Each of the callbacks is paid for; the base fee is each item's, and grows with the bond that a node must lock.
    function _fee(
        uint8 feeTokenNumber,
        uint32 callbackGas,
        Delivery delivery,
        uint256 bondWei,
        uint256 itemCount
    ) internal view returns (uint256 fee) {
        // INVARIANT: a consumer can never block settlement: its callback fits into a block.
        if (callbackGas > MAX_CALLBACK_GAS) revert CallbackGasTooHigh(callbackGas, MAX_CALLBACK_GAS);
        (uint256 baseFee, uint256 callbackGasPrice) = _pricesOf(feeTokenNumber);
        uint256 callbacks = delivery == Delivery.Both ? 2 : 1;
        return itemCount * (baseFee * bondWei / ASSERTION_BOND_WEI) + callbacks * callbackGas * callbackGasPrice;
    }

    /// @dev Checks what native currency was sent, and credits it back above the fee: all of it where a token pays.
    function _takeNative(uint8 feeTokenNumber, uint256 fee) internal {
        uint256 dueWei = feeTokenNumber == 0 ? fee : 0;
        if (msg.value < dueWei) revert FeeTooLow(msg.value, dueWei);
        _credit(msg.sender, msg.value - dueWei);
    }

    function _creditFee(uint8 feeTokenNumber, address account, uint256 fee) internal {
        if (feeTokenNumber == 0) _credit(account, fee);
        else _creditToken(_feeTokens[feeTokenNumber - 1].token, account, fee);
    }
}
