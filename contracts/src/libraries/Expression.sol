// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";
import {SoftFloat32} from "./SoftFloat32.sol";

/// @title The elementwise part of an instruction (docs/exact-profile.md, section 2).
/// @dev Values are ints sign-extended to 256 bits or f32 bit patterns; `InstructionCodec` has checked that kinds fit.
library Expression {
    /// @notice The last value of the expression.
    /// @param accumulator What `acc` gives.
    /// @return indicesLegal False when a load's flat index leaves its tensor: malformed whatever the data.
    /// @return dataLegal False when a zero point is out of range. This depends on the data, so it means something only when no source is
    /// missing a leaf; so does `value`.
    /// @return value Int or f32 bits.
    function evaluate(
        InstructionCodec.Instruction memory instruction,
        uint256[] memory position,
        int256 accumulator,
        OperandData.Source[] memory sources
    ) internal pure returns (bool indicesLegal, bool dataLegal, uint256 value) {
        unchecked {
            uint256 count = instruction.operationCount;
            uint256[] memory values = new uint256[](count);
            dataLegal = true;
            uint256 cursor = instruction.operationsAt;
            for (uint256 k = 0; k < count; ++k) {
                uint256 code = InstructionCodec.u8(cursor);
                uint256 first = InstructionCodec.u8(cursor + 1);
                if (code == InstructionCodec.ACC) {
                    value = uint256(accumulator);
                } else if (code == InstructionCodec.LOAD) {
                    bool legal;
                    (legal, value) = _load(instruction, first, position, sources[first]);
                    if (!legal) return (false, true, 0);
                } else if (code == InstructionCodec.INT) {
                    value = uint256(InstructionCodec.i32(cursor + 3));
                } else if (code == InstructionCodec.FLOAT) {
                    value = InstructionCodec.u32(cursor + 3);
                    if (SoftFloat32.isNaN(value)) value = SoftFloat32.NAN;
                } else {
                    bool legal;
                    (legal, value) = _apply(code, values[first], values[InstructionCodec.u8(cursor + 2)]);
                    if (!legal) dataLegal = false;
                }
                values[k] = value;
                cursor += InstructionCodec.OPERATION_BYTES;
            }
            indicesLegal = true;
        }
    }

    /// @dev An operation on earlier values.
    function _apply(uint256 code, uint256 a, uint256 b) private pure returns (bool legal, uint256 value) {
        unchecked {
            legal = true;
            int256 x = int256(a);
            int256 y = int256(b);
            if (code == InstructionCodec.IADD) value = _wrap(x + y);
            else if (code == InstructionCodec.ISUB) value = _wrap(x - y);
            else if (code == InstructionCodec.IMUL) value = _wrap(x * y);
            else if (code == InstructionCodec.IMAX) value = x > y ? a : b;
            else if (code == InstructionCodec.IMIN) value = x < y ? a : b;
            else if (code == InstructionCodec.TOFLOAT) value = SoftFloat32.fromInt32(x);
            else if (code == InstructionCodec.FADD) value = SoftFloat32.add(a, b);
            else if (code == InstructionCodec.FSUB) value = SoftFloat32.sub(a, b);
            else if (code == InstructionCodec.FMUL) value = SoftFloat32.mul(a, b);
            else if (code == InstructionCodec.FDIV) value = SoftFloat32.div(a, b);
            else {
                (int256 lowest, int256 highest) =
                    code == InstructionCodec.QUANTISE_U8 ? (int256(0), int256(255)) : (int256(-128), int256(127));
                legal = y >= lowest && y <= highest;
                if (legal) value = uint256(SoftFloat32.quantise(a, y, lowest, highest));
            }
        }
    }

    /// @dev An operand's element at the output position and reduction position 0; 0 (of either kind) when out of bounds.
    function _load(
        InstructionCodec.Instruction memory instruction,
        uint256 operand,
        uint256[] memory position,
        OperandData.Source memory source
    ) private pure returns (bool legal, uint256 value) {
        unchecked {
            IndexMap.Form[] memory forms = IndexMap.start(instruction, operand, position);
            (bool inTensor, uint256 low, uint256 high) = IndexMap.inside(forms, 1);
            if (low >= high) return (true, 0);
            if (!inTensor) return (false, 0);
            uint256 dtype = instruction.operands[operand].dtype;
            uint256 width = InstructionCodec.widthOf(dtype);
            (uint256 pointer, uint256 reach) = OperandData.locate(source, uint256(forms[0].value) * width, 0, 1);
            if (reach == 0) return (true, 0);
            if (width == 4) {
                value = uint256(OperandData.int32At(pointer));
                if (dtype == InstructionCodec.F32) {
                    value &= 0xffffffff;
                    if (SoftFloat32.isNaN(value)) value = 0;
                }
            } else {
                assembly ("memory-safe") {
                    value := byte(0, mload(pointer))
                    if eq(dtype, 2) { value := signextend(0, value) }
                }
            }
            legal = true;
        }
    }

    function _wrap(int256 value) private pure returns (uint256 wrapped) {
        assembly ("memory-safe") {
            wrapped := signextend(3, value)
        }
    }
}
