// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Expression} from "../libraries/Expression.sol";
import {IndexMap} from "../libraries/IndexMap.sol";
import {InstructionCodec} from "../libraries/InstructionCodec.sol";
import {Kernels} from "../libraries/Kernels.sol";
import {OperandData} from "../libraries/OperandData.sol";

/// @title The referee's arithmetic in bulk, without commitments: only for tests, never deployed.
contract RefereeHarness {
    uint256 private constant WELL_FORMED = 0;
    uint256 private constant MALFORMED = 1;

    /// @notice Elements of an instruction over whole operand tensors.
    /// @param tensors One per operand, all its bytes.
    /// @return statuses 0 well formed, 1 malformed, for each element.
    /// @return values Stored bits, 0 when malformed.
    /// @return gasUsed Gas of evaluating (decoding and copying not counted).
    function evaluate(
        uint32 index,
        bytes calldata instruction,
        bytes[] calldata tensors,
        uint32[] calldata elements
    ) external view returns (uint8[] memory statuses, uint64[] memory values, uint256[] memory gasUsed) {
        (bool wellFormed, InstructionCodec.Instruction memory decoded) = InstructionCodec.decode(index, instruction);
        require(wellFormed, "instruction is malformed");
        require(tensors.length == decoded.operands.length, "one tensor per operand");
        statuses = new uint8[](elements.length);
        values = new uint64[](elements.length);
        gasUsed = new uint256[](elements.length);
        OperandData.Source[] memory sources = _sources(tensors);
        for (uint256 i = 0; i < elements.length; ++i) {
            uint256 before = gasleft();
            (statuses[i], values[i]) = _evaluate(decoded, elements[i], sources);
            gasUsed[i] = before - gasleft();
        }
    }

    function _evaluate(
        InstructionCodec.Instruction memory decoded,
        uint256 element,
        OperandData.Source[] memory sources
    ) private pure returns (uint8, uint64) {
        uint256[] memory position = IndexMap.positionOf(decoded, element);
        (bool legal, int256 accumulator) = Kernels.accumulate(decoded, position, sources);
        if (!legal) return (uint8(MALFORMED), 0);
        (bool indicesLegal, bool dataLegal, uint256 value) =
            Expression.evaluate(decoded, position, accumulator, sources);
        if (!indicesLegal || !dataLegal) return (uint8(MALFORMED), 0);
        for (uint256 i = 0; i < sources.length; ++i) {
            require(sources[i].missing == 0, "a tensor is too short");
        }
        return (uint8(WELL_FORMED), uint64(InstructionCodec.stored(value, decoded.outDtype)));
    }

    function _sources(bytes[] calldata tensors) private pure returns (OperandData.Source[] memory sources) {
        sources = new OperandData.Source[](tensors.length);
        for (uint256 i = 0; i < tensors.length; ++i) {
            // A witness with all leaves.
            uint256 count = (tensors[i].length + 255) / 256;
            uint256[] memory numbers = new uint256[](count);
            for (uint256 k = 0; k < count; ++k) {
                numbers[k] = k;
            }
            bytes memory copy = abi.encodePacked(bytes32(0), tensors[i], bytes32(0), bytes32(0));
            OperandData.Source memory source = sources[i];
            source.count = count;
            assembly ("memory-safe") {
                mstore(add(source, 32), add(numbers, 32))
                mstore(source, add(copy, 64))
            }
        }
    }

    /// @notice Whether each encoding decodes as the instruction of its number.
    function decodes(uint32[] calldata indices, bytes[] calldata encodings) external pure returns (bool[] memory results) {
        results = new bool[](encodings.length);
        for (uint256 i = 0; i < encodings.length; ++i) {
            (results[i],) = InstructionCodec.decode(indices[i], encodings[i]);
        }
    }

    /// @notice Many operations on values.
    /// @param cases 17 bytes each: the operation's code (section 2, from 0x10 on, not `select`), then a and b, big-endian: ints sign-extended, f32 bits
    /// zero-extended. Zero points must be in range.
    /// @return results 8 bytes each.
    function operations(bytes calldata cases) external pure returns (bytes memory results) {
        uint256 count = cases.length / 17;
        results = new bytes(8 * count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 code;
            uint256 a;
            uint256 b;
            assembly ("memory-safe") {
                let word := calldataload(add(cases.offset, mul(i, 17)))
                code := byte(0, word)
                a := signextend(7, shr(184, word))
                b := signextend(7, shr(120, word))
            }
            bool legal = true;
            uint256 value;
            if (code < InstructionCodec.QUANTISE_U8) value = Expression.operate(code, a, b);
            else (legal, value) = Expression.quantise(code, a, b);
            require(legal, "a zero point is out of range");
            assembly ("memory-safe") {
                let to := add(add(results, 32), mul(i, 8))
                mstore(to, or(shl(192, value), shr(64, shl(64, mload(to)))))
            }
        }
    }
}
