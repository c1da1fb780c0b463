// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IEarlyFinality} from "../interfaces/IEarlyFinality.sol";
import {IOperatorRegistry} from "../interfaces/IOperatorRegistry.sol";
import {AssertionId, InvalidParameter} from "../types/SuretyTypes.sol";

/// @title Early finality by a quorum: so many operators that serve the model, with so much stake in service, sign that an answer is right.
/// @notice The risk: who signs what is wrong loses nothing here, since what is final cannot be disputed. The stake says how dear it is to be
/// counted, not what a lie costs: whoever can put up the quorum's stake in operators of its own, for as long as unbonding takes, can make any
/// answer final. Choose it only for answers worth less than that, or where the operators are known.
/// @dev Signatures are EIP-712 (`Answer` below), or ERC-1271 of a contract. The poster's own does not count.
contract StakeQuorum is IEarlyFinality, EIP712 {
    struct QuorumParameters {
        /// Fewest signers.
        uint32 leastSigners;
        /// Of 10,000 parts of the model's set, rounded up, how many must sign. The set counts jailed operators until they are evicted.
        uint16 signersBps;
        /// Stake in service that the signers have together.
        uint128 leastStakeWei;
    }

    /// @notice What operators sign.
    bytes32 public constant ANSWER_TYPEHASH =
        keccak256("Answer(address oracle,uint256 assertionId,bytes32 question,bytes32 outputRoot)");
    /// @notice Bounds the gas.
    uint256 public constant MAX_SIGNERS = 32;
    uint256 private constant BPS = 10_000;

    /// @notice The oracle whose answers are signed.
    address public immutable oracle;
    IOperatorRegistry private immutable OPERATORS;
    uint32 private immutable LEAST_SIGNERS;
    uint16 private immutable SIGNERS_BPS;
    uint128 private immutable LEAST_STAKE_WEI;

    constructor(address oracle_, IOperatorRegistry operators, QuorumParameters memory parameters_)
        EIP712("Surety stake quorum", "1")
    {
        if (operators.oracle() != oracle_) revert InvalidParameter("operators.oracle", 0, 1);
        // One signature would be one operator's word.
        if (parameters_.leastSigners < 2) revert InvalidParameter("leastSigners", parameters_.leastSigners, 2);
        if (parameters_.leastSigners > MAX_SIGNERS) {
            revert InvalidParameter("leastSigners", parameters_.leastSigners, MAX_SIGNERS);
        }
        if (parameters_.signersBps > BPS) revert InvalidParameter("signersBps", parameters_.signersBps, BPS);
        if (parameters_.leastStakeWei == 0) revert InvalidParameter("leastStakeWei", 0, 1);
        oracle = oracle_;
        OPERATORS = operators;
        LEAST_SIGNERS = parameters_.leastSigners;
        SIGNERS_BPS = parameters_.signersBps;
        LEAST_STAKE_WEI = parameters_.leastStakeWei;
    }

    function parameters() external view returns (QuorumParameters memory) {
        return QuorumParameters(LEAST_SIGNERS, SIGNERS_BPS, LEAST_STAKE_WEI);
    }

    /// @notice What an operator signs: bound to the chain and this contract by the domain, to the oracle, the assertion, the question and the output.
    function digestOf(AssertionId assertionId, bytes32 question, bytes32 outputRoot) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ANSWER_TYPEHASH, oracle, assertionId, question, outputRoot)));
    }

    /// @inheritdoc IEarlyFinality
    /// @param proof abi.encode(address[] signers, bytes[] signatures), the signers in increasing order.
    function allows(Answer calldata answer, bytes calldata proof) external view returns (bool) {
        (address[] memory signers, bytes[] memory signatures) = abi.decode(proof, (address[], bytes[]));
        uint256 count = signers.length;
        if (count != signatures.length || count < LEAST_SIGNERS || count > MAX_SIGNERS) return false;
        if (count * BPS < OPERATORS.servingCount(answer.modelId) * SIGNERS_BPS) return false;

        bytes32 digest = digestOf(answer.assertionId, answer.question, answer.outputRoot);
        uint256 stakeWei;
        address last;
        for (uint256 i = 0; i < count; ++i) {
            address signer = signers[i];
            // INVARIANT: nobody counts twice.
            if (signer <= last || signer == answer.poster) return false;
            if (!OPERATORS.serves(signer, answer.modelId)) return false;
            if (!SignatureChecker.isValidSignatureNow(signer, digest, signatures[i])) return false;
            stakeWei += OPERATORS.operatorOf(signer).stakeWei;
            last = signer;
        }
        return stakeWei >= LEAST_STAKE_WEI;
    }
}
