// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Decodes an instruction of the exact profile (docs/exact-profile.md, section 3) and checks what its own bytes show (section 5).
/// @dev Total: any bytes give either an instruction or `wellFormed == false`, within work that the caps of the profile bound. Lists of
/// numbers stay where they are: a `uint256` named `...At` is an absolute calldata offset, valid within the call that decoded. Reading
/// past the instruction's end yields some bytes; the last check, that the cursor ends exactly at the end, catches it.
library InstructionCodec {
    uint256 internal constant NONE = 0;
    uint256 internal constant DOT = 1;
    uint256 internal constant SUM = 2;
    uint256 internal constant MAX = 3;
    uint256 internal constant MIN = 4;

    uint256 internal constant U8 = 1;
    uint256 internal constant I8 = 2;
    uint256 internal constant I32 = 3;
    uint256 internal constant I64 = 4;
    uint256 internal constant F32 = 5;

    uint256 internal constant TRACE = 0;
    uint256 internal constant WEIGHT = 1;
    uint256 internal constant INPUT = 2;

    uint256 internal constant ACC = 0x01;
    uint256 internal constant LOAD = 0x02;
    uint256 internal constant INT = 0x03;
    uint256 internal constant FLOAT = 0x04;
    uint256 internal constant INSIDE = 0x05;
    uint256 internal constant LOADAT = 0x06;
    uint256 internal constant IADD = 0x10;
    uint256 internal constant ISUB = 0x11;
    uint256 internal constant IMUL = 0x12;
    uint256 internal constant IMAX = 0x13;
    uint256 internal constant IMIN = 0x14;
    uint256 internal constant IDIV = 0x15;
    uint256 internal constant IMOD = 0x16;
    uint256 internal constant ILT = 0x17;
    uint256 internal constant IEQ = 0x18;
    uint256 internal constant LADD = 0x19;
    uint256 internal constant LSUB = 0x1a;
    uint256 internal constant LMUL = 0x1b;
    uint256 internal constant TOFLOAT = 0x20;
    uint256 internal constant FADD = 0x21;
    uint256 internal constant FSUB = 0x22;
    uint256 internal constant FMUL = 0x23;
    uint256 internal constant FDIV = 0x24;
    uint256 internal constant FSQRT = 0x25;
    uint256 internal constant FFLOOR = 0x26;
    uint256 internal constant FCEIL = 0x27;
    uint256 internal constant FROUND = 0x28;
    uint256 internal constant FMAX = 0x29;
    uint256 internal constant FMIN = 0x2a;
    uint256 internal constant FLT = 0x2b;
    uint256 internal constant FEQ = 0x2c;
    uint256 internal constant FABS = 0x2d;
    uint256 internal constant TOINT = 0x2e;
    uint256 internal constant QUANTISE_U8 = 0x30;
    uint256 internal constant QUANTISE_I8 = 0x31;
    uint256 internal constant SELECT = 0x32;

    // What operations take and give: one byte for each code, the first for code 0 (0x20 in the second word); 0 for a code that is none.
    //   | 0 | 1: immediate | 2 bits: gives | 2 bits: b | 2 bits: a |
    //   a: 0 nothing, 1 int, 2 f32, 3 an operand;  b: 0 nothing, 1 int, 2 f32, 3 any value;
    //   gives: 0 int, 1 f32, 2 what operand a holds, 3 what `acc` or the values of `select` are
    uint256 private constant SIGNATURES_00 = 0x0030234050032700000000000000000005050505050505050505050500000000;
    uint256 private constant SIGNATURES_20 = 0x111a1a1a1a121212121a1a0a0a12020006067d00000000000000000000000000;
    uint256 private constant IMMEDIATE = 0x40;
    uint256 private constant GIVES_FLOAT = 1;
    uint256 private constant GIVES_LOADED = 2;
    uint256 private constant GIVES_OTHER = 3;
    uint256 private constant TAKES_OPERAND = 3;
    uint256 private constant TAKES_ANY = 3;

    uint256 internal constant MAX_RANK = 8;
    uint256 internal constant MAX_OPERANDS = 8;
    uint256 internal constant MAX_BOUNDS = 4;
    uint256 internal constant MAX_OPERATIONS = 64;
    /// @dev Bytes of an encoded operation: code, a, b, imm.
    uint256 internal constant OPERATION_BYTES = 7;

    /// @notice One operand: where it lives and how it is indexed.
    struct Operand {
        uint256 space;
        uint256 dtype;
        uint256 index;
        uint256 elements;
        /// i32 offset, outStrides[n], reduceStrides[m].
        uint256 mapAt;
        /// `boundCount` times u32 limit, i32 offset, outCoefficients[n], reduceCoefficients[m].
        uint256 boundsAt;
        uint256 boundCount;
    }

    /// @notice A decoded instruction.
    struct Instruction {
        uint256 accumulate;
        uint256 outDtype;
        uint256 outRank;
        uint256 reduceRank;
        /// Product of the output dims, below 2^32.
        uint256 elements;
        uint256 outDimsAt;
        uint256 reduceDimsAt;
        int256 aZero;
        int256 bZero;
        Operand[] operands;
        uint256 operationsAt;
        uint256 operationCount;
    }

    /// @notice Bytes of one element; 0 for a code that is no dtype.
    function widthOf(uint256 dtype) internal pure returns (uint256) {
        if (dtype == U8 || dtype == I8) return 1;
        if (dtype == I32 || dtype == F32) return 4;
        if (dtype == I64) return 8;
        return 0;
    }

    /// @notice What of an expression's last value is stored: the low bits of an element's width.
    function stored(uint256 value, uint256 dtype) internal pure returns (uint256) {
        return value & ((uint256(1) << (8 * widthOf(dtype))) - 1);
    }

    /// @dev Unsigned byte at an absolute calldata offset.
    function u8(uint256 cursor) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, calldataload(cursor))
        }
    }

    /// @dev Big-endian u32 at an absolute calldata offset.
    function u32(uint256 cursor) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(224, calldataload(cursor))
        }
    }

    /// @dev Big-endian i32 at an absolute calldata offset.
    function i32(uint256 cursor) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(224, calldataload(cursor))
        }
    }

    /// @notice Decodes instruction number `index` of a program.
    /// @return wellFormed False when the bytes break a rule by themselves; `instruction` is then meaningless.
    function decode(uint256 index, bytes calldata encoded)
        internal
        pure
        returns (bool wellFormed, Instruction memory instruction)
    {
        unchecked {
            uint256 cursor;
            assembly ("memory-safe") {
                cursor := encoded.offset
            }
            uint256 end = cursor + encoded.length;

            uint256 accumulate = u8(cursor);
            uint256 outRank = u8(cursor + 2);
            uint256 reduceRank = u8(cursor + 3);
            uint256 width = widthOf(u8(cursor + 1));
            if (accumulate > MIN || width == 0) return (false, instruction);
            if (outRank == 0 || outRank > MAX_RANK || reduceRank > MAX_RANK) return (false, instruction);
            if ((reduceRank == 0) != (accumulate == NONE)) return (false, instruction);
            instruction.accumulate = accumulate;
            instruction.outDtype = u8(cursor + 1);
            instruction.outRank = outRank;
            instruction.reduceRank = reduceRank;
            cursor += 4;

            instruction.outDimsAt = cursor;
            uint256 elements = product(cursor, outRank);
            if (elements == 0 || (elements * width) >> 32 != 0) return (false, instruction);
            instruction.elements = elements;
            cursor += 4 * outRank;
            instruction.reduceDimsAt = cursor;
            if (product(cursor, reduceRank) == 0) return (false, instruction);
            cursor += 4 * reduceRank;

            instruction.aZero = i32(cursor);
            instruction.bZero = i32(cursor + 4);
            if (instruction.aZero != 0 && accumulate != DOT && accumulate != SUM) return (false, instruction);
            if (instruction.bZero != 0 && accumulate != DOT) return (false, instruction);

            uint256 count = u8(cursor + 8);
            cursor += 9;
            if (count > MAX_OPERANDS || count < readByAccumulator(accumulate)) return (false, instruction);
            instruction.operands = new Operand[](count);
            // i32 offset and one coefficient per dimension
            uint256 formBytes = 4 * (1 + outRank + reduceRank);
            for (uint256 i = 0; i < count; ++i) {
                Operand memory operand = instruction.operands[i];
                operand.space = u8(cursor);
                operand.dtype = u8(cursor + 1);
                operand.index = u32(cursor + 2);
                operand.elements = u32(cursor + 6);
                operand.mapAt = cursor + 10;
                cursor += 10 + formBytes;
                operand.boundCount = u8(cursor);
                operand.boundsAt = cursor + 1;
                if (operand.space > INPUT || widthOf(operand.dtype) == 0) return (false, instruction);
                if (operand.elements == 0 || operand.boundCount > MAX_BOUNDS) return (false, instruction);
                if (operand.space == TRACE && operand.index >= index) return (false, instruction);
                cursor += 1 + operand.boundCount * (4 + formBytes);
            }
            if (!accumulatorFits(instruction)) return (false, instruction);

            count = u8(cursor);
            instruction.operationsAt = cursor + 1;
            instruction.operationCount = count;
            if (count == 0 || count > MAX_OPERATIONS) return (false, instruction);
            if (cursor + 1 + count * OPERATION_BYTES != end) return (false, instruction);
            return (expressionFits(instruction), instruction);
        }
    }

    /// @dev Product of `rank` dims; 0 when one is 0 or the product reaches 2^32.
    function product(uint256 cursor, uint256 rank) private pure returns (uint256 result) {
        unchecked {
            result = 1;
            for (uint256 k = 0; k < rank; ++k) {
                result *= u32(cursor + 4 * k);
                if (result == 0 || result >> 32 != 0) return 0;
            }
        }
    }

    /// @dev Operands that the accumulator reads: 0, 1, ...
    function readByAccumulator(uint256 accumulate) private pure returns (uint256) {
        return accumulate == NONE ? 0 : accumulate == DOT ? 2 : 1;
    }

    /// @dev dot reads bytes, sum integers, max and min anything.
    function accumulatorFits(Instruction memory instruction) private pure returns (bool) {
        uint256 accumulate = instruction.accumulate;
        if (accumulate == NONE) return true;
        uint256 a = instruction.operands[0].dtype;
        if (accumulate != DOT) return accumulate != SUM || a != F32;
        return widthOf(a) == 1 && widthOf(instruction.operands[1].dtype) == 1;
    }

    /// @dev Section 2: known codes, earlier arguments of the right kind, nothing in unused fields, a last value that fits the dtype.
    function expressionFits(Instruction memory instruction) private pure returns (bool) {
        unchecked {
            uint256 floats = 0; // bit k: value k is an f32
            uint256 count = instruction.operationCount;
            uint256 cursor = instruction.operationsAt;
            uint256 operands = instruction.operands.length;
            for (uint256 k = 0; k < count; ++k) {
                uint256 code = u8(cursor);
                uint256 a = u8(cursor + 1);
                uint256 b = u8(cursor + 2);
                uint256 imm = u32(cursor + 3);
                cursor += OPERATION_BYTES;
                uint256 signature;
                assembly ("memory-safe") {
                    // BYTE gives 0 beyond the word, and so for the other word's codes.
                    signature := or(byte(code, SIGNATURES_00), byte(sub(code, 32), SIGNATURES_20))
                }
                if (signature == 0 || (imm != 0 && signature & IMMEDIATE == 0)) return false;
                uint256 takes = signature & 3;
                if (takes == 0 ? a != 0 : takes == TAKES_OPERAND ? a >= operands : a >= k || (floats >> a) & 1 != takes - 1)
                {
                    return false;
                }
                takes = (signature >> 2) & 3;
                if (takes == 0 ? b != 0 : b >= k || (takes != TAKES_ANY && (floats >> b) & 1 != takes - 1)) return false;
                uint256 gives = (signature >> 4) & 3;
                if (gives == GIVES_LOADED) {
                    gives = instruction.operands[a].dtype == F32 ? GIVES_FLOAT : 0;
                } else if (gives == GIVES_OTHER) {
                    if (code == SELECT) {
                        gives = (floats >> b) & 1;
                        if (imm >= k || (floats >> imm) & 1 != gives) return false;
                    } else {
                        if (instruction.accumulate == NONE) return false;
                        // Only a maximum or minimum reads f32.
                        gives = instruction.operands[0].dtype == F32 ? GIVES_FLOAT : 0;
                    }
                }
                floats |= gives << k;
            }
            return ((floats >> (count - 1)) & 1 == 1) == (instruction.outDtype == F32);
        }
    }
}
