// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Expression} from "../libraries/Expression.sol";
import {IndexMap} from "../libraries/IndexMap.sol";
import {InstructionCodec} from "../libraries/InstructionCodec.sol";
import {Kernels} from "../libraries/Kernels.sol";
import {OperandData} from "../libraries/OperandData.sol";
import {SoftFloat32} from "../libraries/SoftFloat32.sol";

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
    ) external view returns (uint8[] memory statuses, uint32[] memory values, uint256[] memory gasUsed) {
        (bool wellFormed, InstructionCodec.Instruction memory decoded) = InstructionCodec.decode(index, instruction);
        require(wellFormed, "instruction is malformed");
        require(tensors.length == decoded.operands.length, "one tensor per operand");
        statuses = new uint8[](elements.length);
        values = new uint32[](elements.length);
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
    ) private pure returns (uint8, uint32) {
        uint256[] memory position = IndexMap.positionOf(decoded, element);
        (bool legal, int256 accumulator) = Kernels.accumulate(decoded, position, sources);
        if (!legal) return (uint8(MALFORMED), 0);
        (bool indicesLegal, bool dataLegal, uint256 value) =
            Expression.evaluate(decoded, position, accumulator, sources);
        if (!indicesLegal || !dataLegal) return (uint8(MALFORMED), 0);
        for (uint256 i = 0; i < sources.length; ++i) {
            require(sources[i].missing == 0, "a tensor is too short");
        }
        bool isByte = InstructionCodec.widthOf(decoded.outDtype) == 1;
        return (uint8(WELL_FORMED), isByte ? uint32(uint8(value)) : uint32(value));
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

    /// @notice Many f32 operations.
    /// @param cases 9 bytes each: the operation's code (section 2), then a and b, big-endian. `tofloat` takes an int32 as a; the
    /// quantisations take an int32 as b, which must be in range.
    /// @return results 4 bytes each.
    function floats(bytes calldata cases) external pure returns (bytes memory results) {
        uint256 count = cases.length / 9;
        results = new bytes(4 * count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 word;
            assembly ("memory-safe") {
                word := shr(184, calldataload(add(cases.offset, mul(i, 9))))
            }
            uint256 value = _float(word >> 64, (word >> 32) & 0xffffffff, word & 0xffffffff);
            assembly ("memory-safe") {
                let to := add(add(results, 32), mul(i, 4))
                mstore(to, or(shl(224, value), shr(32, shl(32, mload(to)))))
            }
        }
    }

    function _float(uint256 code, uint256 a, uint256 b) private pure returns (uint256) {
        if (code == InstructionCodec.FADD) return SoftFloat32.add(a, b);
        if (code == InstructionCodec.FSUB) return SoftFloat32.sub(a, b);
        if (code == InstructionCodec.FMUL) return SoftFloat32.mul(a, b);
        if (code == InstructionCodec.FDIV) return SoftFloat32.div(a, b);
        if (code == InstructionCodec.TOFLOAT) return SoftFloat32.fromInt32(int32(uint32(a)));
        int256 zero = int32(uint32(b));
        if (code == InstructionCodec.QUANTISE_U8) return uint32(int32(SoftFloat32.quantise(a, zero, 0, 255)));
        if (code == InstructionCodec.QUANTISE_I8) return uint32(int32(SoftFloat32.quantise(a, zero, -128, 127)));
        revert("unknown code");
    }
}
