// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";
import {SoftFloat32} from "./SoftFloat32.sol";

/// @title The elementwise part of an instruction (docs/exact-profile.md, section 2).
/// @dev Values are ints (within int64, sign-extended to 256 bits) or f32 bit patterns; `InstructionCodec` has checked that kinds fit.
library Expression {
    /// @dev More than any index has in magnitude: a map is at most 17 products of an i32 and a u32, `loadat` adds an int64.
    int256 private constant FAR = 1 << 100;
    int256 private constant OUT_OF_BOUNDS = 1 - FAR;

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
            uint256[] memory values = new uint256[](instruction.operationCount);
            int256[] memory places = new int256[](instruction.operands.length);
            dataLegal = true;
            uint256 cursor = instruction.operationsAt;
            uint256 to;
            uint256 end;
            assembly ("memory-safe") {
                to := add(values, 32)
                end := add(to, mul(mload(values), 32))
            }
            for (; to != end; to += 32) {
                uint256 code = InstructionCodec.u8(cursor);
                if (code >= InstructionCodec.IADD) {
                    uint256 a = _at(values, InstructionCodec.u8(cursor + 1));
                    uint256 second = InstructionCodec.u8(cursor + 2);
                    if (code < InstructionCodec.QUANTISE_U8) {
                        value = operate(code, a, _at(values, second));
                    } else if (code == InstructionCodec.SELECT) {
                        value = _at(values, a != 0 ? second : InstructionCodec.u32(cursor + 3));
                    } else {
                        bool legal;
                        (legal, value) = quantise(code, a, _at(values, second));
                        if (!legal) dataLegal = false;
                    }
                } else if (code == InstructionCodec.ACC) {
                    value = uint256(accumulator);
                } else if (code == InstructionCodec.INT) {
                    value = uint256(InstructionCodec.i32(cursor + 3));
                } else if (code == InstructionCodec.FLOAT) {
                    value = InstructionCodec.u32(cursor + 3);
                    if (SoftFloat32.isNaN(value)) value = SoftFloat32.NAN;
                } else {
                    uint256 operand = InstructionCodec.u8(cursor + 1);
                    int256 index = _place(instruction, operand, position, places);
                    if (code == InstructionCodec.INSIDE) {
                        value = index == OUT_OF_BOUNDS ? 0 : 1;
                    } else {
                        bool computed = code == InstructionCodec.LOADAT;
                        int256 elements = int256(instruction.operands[operand].elements);
                        if (computed) index += int256(_at(values, InstructionCodec.u8(cursor + 2)));
                        if (index >= 0 && index < elements) {
                            // An index computed from bytes that are not there is none.
                            value = computed && OperandData.anyMissing(sources)
                                ? 0
                                : OperandData.read(sources[operand], instruction.operands[operand].dtype, uint256(index));
                        } else {
                            if (!computed && index != OUT_OF_BOUNDS) return (false, true, 0);
                            value = 0;
                        }
                    }
                }
                assembly ("memory-safe") {
                    mstore(to, value)
                }
                cursor += InstructionCodec.OPERATION_BYTES;
            }
            indicesLegal = true;
        }
    }

    /// @dev values[i] without the compiler's check: the codec has checked that arguments are earlier values.
    function _at(uint256[] memory values, uint256 i) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(values, 32), shl(5, i)))
        }
    }

    /// @dev Where an operand's map points at the output position and reduction position 0, within its tensor or not; `OUT_OF_BOUNDS` where its
    /// bounds do not hold.
    /// @param places What has been found so far, plus `FAR`; 0 for an operand that has not been asked for.
    function _place(
        InstructionCodec.Instruction memory instruction,
        uint256 operand,
        uint256[] memory position,
        int256[] memory places
    ) private pure returns (int256 place) {
        unchecked {
            if (places[operand] != 0) return places[operand] - FAR;
            IndexMap.Form[] memory forms = IndexMap.start(instruction, operand, position);
            (, uint256 low, uint256 high) = IndexMap.inside(forms, 1);
            place = low < high ? forms[0].value : OUT_OF_BOUNDS;
            places[operand] = place + FAR;
        }
    }

    /// @notice An operation on earlier values, `iadd` to `toint`.
    function operate(uint256 code, uint256 a, uint256 b) internal pure returns (uint256) {
        return code < InstructionCodec.TOFLOAT ? _integers(code, int256(a), int256(b)) : _floats(code, a, b);
    }

    /// @notice `quantise_u8` or `quantise_i8`.
    /// @return legal False when the zero point is out of range.
    function quantise(uint256 code, uint256 a, uint256 b) internal pure returns (bool legal, uint256 value) {
        (int256 lowest, int256 highest) =
            code == InstructionCodec.QUANTISE_U8 ? (int256(0), int256(255)) : (int256(-128), int256(127));
        int256 zero = int256(b);
        legal = zero >= lowest && zero <= highest;
        if (legal) value = uint256(SoftFloat32.quantise(a, zero, lowest, highest));
    }

    function _integers(uint256 code, int256 x, int256 y) private pure returns (uint256) {
        unchecked {
            if (code == InstructionCodec.IADD) return _wrap32(x + y);
            if (code == InstructionCodec.ISUB) return _wrap32(x - y);
            if (code == InstructionCodec.IMUL) return _wrap32(x * y);
            if (code == InstructionCodec.LADD) return _wrap64(x + y);
            if (code == InstructionCodec.LSUB) return _wrap64(x - y);
            if (code == InstructionCodec.LMUL) return _wrap64(x * y);
            if (code == InstructionCodec.IMAX) return uint256(x > y ? x : y);
            if (code == InstructionCodec.IMIN) return uint256(x < y ? x : y);
            if (code == InstructionCodec.ILT) return x < y ? 1 : 0;
            if (code == InstructionCodec.IEQ) return x == y ? 1 : 0;
            bool divides = code == InstructionCodec.IDIV;
            int256 result;
            // SDIV and SMOD truncate towards zero, give 0 where the divisor is 0, and a remainder the dividend's sign: the profile's rules.
            assembly ("memory-safe") {
                switch divides
                case 0 { result := smod(x, y) }
                default { result := sdiv(x, y) }
            }
            return _wrap64(result);
        }
    }

    function _floats(uint256 code, uint256 a, uint256 b) private pure returns (uint256) {
        if (code == InstructionCodec.FMUL) return SoftFloat32.mul(a, b);
        if (code == InstructionCodec.FADD) return SoftFloat32.add(a, b);
        if (code == InstructionCodec.FSUB) return SoftFloat32.sub(a, b);
        if (code == InstructionCodec.TOFLOAT) return SoftFloat32.fromInt64(int256(a));
        if (code == InstructionCodec.FDIV) return SoftFloat32.div(a, b);
        if (code == InstructionCodec.FMAX) return SoftFloat32.max(a, b);
        if (code == InstructionCodec.FMIN) return SoftFloat32.min(a, b);
        if (code == InstructionCodec.FLT) return SoftFloat32.lessThan(a, b) ? 1 : 0;
        if (code == InstructionCodec.FEQ) return SoftFloat32.equal(a, b) ? 1 : 0;
        if (code == InstructionCodec.FABS) return SoftFloat32.abs(a);
        if (code == InstructionCodec.FSQRT) return SoftFloat32.sqrt(a);
        if (code == InstructionCodec.FFLOOR) return SoftFloat32.floor(a);
        if (code == InstructionCodec.FCEIL) return SoftFloat32.ceil(a);
        if (code == InstructionCodec.FROUND) return SoftFloat32.roundEven(a);
        return uint256(SoftFloat32.toInt32(a));
    }

    function _wrap32(int256 value) private pure returns (uint256 wrapped) {
        assembly ("memory-safe") {
            wrapped := signextend(3, value)
        }
    }

    function _wrap64(int256 value) private pure returns (uint256 wrapped) {
        assembly ("memory-safe") {
            wrapped := signextend(7, value)
        }
    }
}
