// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IOracleExtension} from "../interfaces/IOracleExtension.sol";
import {Delegation, InferenceRequest} from "../types/OracleTypes.sol";
import {RequestId} from "../types/SuretyTypes.sol";
import {Asking} from "./Asking.sol";
import {OracleCode} from "./OracleCode.sol";

/// @title Requests that one signs and another sends.
/// @dev The signature binds every term, the input by its root, chain and contract (EIP-712), and a nonce that is used once.
abstract contract DelegatedRequests is IOracleExtension, Asking, OracleCode {
    using BitMaps for BitMaps.BitMap;

    // Hashed when compiled, so its length costs nothing.
    // solhint-disable gas-small-strings
    bytes32 private constant DELEGATED_REQUEST_TYPE = keccak256(
        "DelegatedRequest(address requester,bytes32 modelId,bytes32 inputRoot,bool byReference,string uri,"
        "uint32 callbackGas,uint8 delivery,uint40 deadline,address feeToken,uint128 valueAtRiskWei,"
        "uint256 maxFee,uint256 nonce,uint40 validUntil)"
    );
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    // solhint-enable gas-small-strings

    /// @inheritdoc IOracleExtension
    function requestInferenceFor(
        InferenceRequest calldata request,
        Delegation calldata delegation,
        bytes calldata signature
    ) external payable onlyAsOracle nonReentrant returns (RequestId requestId) {
        (IModelRegistry.ModelSummary memory model, bytes32 inputRoot) = _rooted(request);
        _use(request, inputRoot, false, "", delegation, signature);
        requestId = _ask(request, model, inputRoot, delegation.requester);
        emit Delegated(requestId, msg.sender, delegation.nonce);
    }

    /// @inheritdoc IOracleExtension
    function requestInferenceByReferenceFor(
        InferenceRequest calldata request,
        bytes32 inputRoot,
        string calldata uri,
        Delegation calldata delegation,
        bytes calldata signature
    ) external payable onlyAsOracle nonReentrant returns (RequestId requestId) {
        _use(request, inputRoot, true, uri, delegation, signature);
        requestId = _askByReference(request, inputRoot, uri, delegation.requester);
        emit Delegated(requestId, msg.sender, delegation.nonce);
    }

    function _use(
        InferenceRequest calldata request,
        bytes32 inputRoot,
        bool byReference,
        string memory uri,
        Delegation calldata delegation,
        bytes calldata signature
    ) private {
        if (block.timestamp > delegation.validUntil) revert DelegationExpired(delegation.validUntil);
        BitMaps.BitMap storage used = _usedNonces[delegation.requester];
        if (used.get(delegation.nonce)) revert NonceUsed(delegation.requester, delegation.nonce);
        uint256 fee = _quoted(request);
        if (fee > delegation.maxFee) revert FeeAboveMaximum(fee, delegation.maxFee);

        // INVARIANT: a signature asks once only, whatever the signer's contract does when it is asked about it.
        used.set(delegation.nonce);
        bytes32 structHash = _structHash(request, inputRoot, byReference, uri, delegation);
        // Not kept from construction: the oracle is not where this code was created, and a fork has another chain id.
        bytes32 domain =
            keccak256(abi.encode(DOMAIN_TYPE, keccak256("Surety"), keccak256("1"), block.chainid, address(this)));
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, structHash);
        if (!SignatureChecker.isValidSignatureNow(delegation.requester, digest, signature)) {
            revert WrongSignature(delegation.requester);
        }
    }

    function _structHash(
        InferenceRequest calldata request,
        bytes32 inputRoot,
        bool byReference,
        string memory uri,
        Delegation calldata delegation
    ) private pure returns (bytes32) {
        bytes memory asked = abi.encode(
            DELEGATED_REQUEST_TYPE,
            delegation.requester,
            request.modelId,
            inputRoot,
            byReference,
            keccak256(bytes(uri)),
            request.callbackGas,
            request.delivery,
            request.deadline
        );
        bytes memory paid = abi.encode(
            request.feeToken, request.valueAtRiskWei, delegation.maxFee, delegation.nonce, delegation.validUntil
        );
        return keccak256(bytes.concat(asked, paid));
    }
}
