// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IStepReferee} from "../interfaces/IStepReferee.sol";
import {Expression} from "../libraries/Expression.sol";
import {IndexMap} from "../libraries/IndexMap.sol";
import {InstructionCodec} from "../libraries/InstructionCodec.sol";
import {Kernels} from "../libraries/Kernels.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {OperandData} from "../libraries/OperandData.sol";

/// @title The referee.
/// @dev Holds no state and calls nothing. What is malformed by the program alone (its bytes, its indices at this element) is decided before
/// any complaint about the witness, so that no witness, and no lack of one, stands in the way of that verdict.
contract StepReferee is IStepReferee {
    /// @inheritdoc IStepReferee
    function describe(uint32 index, bytes calldata instruction)
        external
        pure
        returns (bool wellFormed, uint32 tensorBytes, uint8 elementBytes)
    {
        InstructionCodec.Instruction memory decoded;
        (wellFormed, decoded) = InstructionCodec.decode(index, instruction);
        if (!wellFormed) return (false, 0, 0);
        uint256 width = InstructionCodec.widthOf(decoded.outDtype);
        // The codec keeps the bytes of a tensor below 2^32.
        return (true, uint32(decoded.elements * width), uint8(width));
    }

    /// @inheritdoc IStepReferee
    function judge(
        Roots calldata roots,
        uint32 index,
        bytes calldata instruction,
        uint32 element,
        uint64 posted,
        bytes32[] calldata inputRoots,
        OperandWitness[] calldata operands
    ) external pure returns (Verdict verdict, uint64 expected) {
        (bool wellFormed, InstructionCodec.Instruction memory decoded) = InstructionCodec.decode(index, instruction);
        if (!wellFormed || !_tensorsExist(decoded, roots, inputRoots)) return (Verdict.Malformed, 0);
        if (element >= decoded.elements) revert ElementOutOfRange(element, decoded.elements);
        if (operands.length != decoded.operands.length) {
            revert WrongOperandCount(operands.length, decoded.operands.length);
        }

        (OperandData.Source[] memory sources, uint256 unproven) = _prove(decoded, roots, inputRoots, operands);
        uint256[] memory position = IndexMap.positionOf(decoded, element);
        (bool indicesLegal, int256 accumulator) = Kernels.accumulate(decoded, position, sources);
        if (!indicesLegal) return (Verdict.Malformed, 0);
        bool dataLegal;
        uint256 value;
        (indicesLegal, dataLegal, value) = Expression.evaluate(decoded, position, accumulator, sources);
        if (!indicesLegal) return (Verdict.Malformed, 0);

        // INVARIANT: no verdict that depends on data rests on data that is not proven.
        for (uint256 i = 0; i < sources.length; ++i) {
            uint256 missing = sources[i].missing;
            if (missing == 0) continue;
            if ((unproven >> i) & 1 == 1) revert OperandNotProven(i);
            revert OperandLeafMissing(i, missing - 1);
        }
        if (!dataLegal) return (Verdict.Malformed, 0);
        expected = uint64(InstructionCodec.stored(value, decoded.outDtype));
        verdict = posted == expected ? Verdict.Same : Verdict.Different;
    }

    /// @dev Whether the weights and inputs that the operands name exist. Trace operands come earlier (the codec), so they do.
    function _tensorsExist(
        InstructionCodec.Instruction memory decoded,
        Roots calldata roots,
        bytes32[] calldata inputRoots
    ) private pure returns (bool) {
        uint256 count = decoded.operands.length;
        bool inputsProven = false;
        for (uint256 i = 0; i < count; ++i) {
            InstructionCodec.Operand memory operand = decoded.operands[i];
            if (operand.space == InstructionCodec.WEIGHT && operand.index >= roots.weightCount) return false;
            if (operand.space == InstructionCodec.INPUT) {
                // How many inputs there are is known only once their list is.
                if (!inputsProven && MerkleTree.listHash(inputRoots) != roots.inputRoot) revert OperandNotProven(i);
                inputsProven = true;
                if (operand.index >= inputRoots.length) return false;
            }
        }
        return true;
    }

    /// @dev Leaves of every operand that the witness proves. One that it does not prove is left without leaves, and matters only if it is read.
    /// @return sources One per operand.
    /// @return unproven Bit i: operand i's witness carries leaves and is wrong.
    function _prove(
        InstructionCodec.Instruction memory decoded,
        Roots calldata roots,
        bytes32[] calldata inputRoots,
        OperandWitness[] calldata operands
    ) private pure returns (OperandData.Source[] memory sources, uint256 unproven) {
        uint256 count = operands.length;
        sources = new OperandData.Source[](count);
        for (uint256 i = 0; i < count; ++i) {
            OperandWitness calldata witness = operands[i];
            if (witness.leaves.length == 0) continue;
            if (_proven(decoded.operands[i], roots, inputRoots, witness)) {
                sources[i] = OperandData.load(witness.leaves, witness.data);
            } else {
                unproven |= uint256(1) << i;
            }
        }
    }

    /// @dev Whether the witness' leaves belong to the operand's tensor and that to its space.
    function _proven(
        InstructionCodec.Operand memory operand,
        Roots calldata roots,
        bytes32[] calldata inputRoots,
        OperandWitness calldata witness
    ) private pure returns (bool) {
        bytes32 tensorRoot = witness.tensorRoot;
        if (operand.space == InstructionCodec.INPUT) {
            if (inputRoots[operand.index] != tensorRoot || witness.tensorProof.length != 0) return false;
        } else {
            (bytes32 root, uint256 count) = operand.space == InstructionCodec.TRACE
                ? (roots.traceRoot, roots.instructionCount)
                : (roots.weightsRoot, roots.weightCount);
            uint256 height = MerkleTree.heightOf(count);
            if (!MerkleTree.verifyPath(root, height, operand.index, tensorRoot, witness.tensorProof)) return false;
        }
        uint256 tensorBytes = operand.elements * InstructionCodec.widthOf(operand.dtype);
        return MerkleTree.verifyLeaves(tensorRoot, tensorBytes, witness.leaves, witness.data, witness.proof);
    }
}
