// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";

/// @title Sums of integers (docs/exact-profile.md, section 3, "Accumulate").
/// @dev Taken mod 2^256 and cut to int32 or int64 at the end: both divide 2^256, so wrapping anywhere on the way is the same.
///
/// Adjacent elements are summed 32 bytes at a time in limbs of 16 bits. Of wider integers the bytes of equal weight are summed each by themselves: a
/// little-endian number is a sum of bytes, and unsigned bytes differ from the signed number by a multiple of 2^32 or 2^64.
/// Signed bytes are taken as x ^ 0x80 = x + 128, which moves the zero point by 128.
library Sums {
    uint256 private constant EVEN_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant LOW_PAIRS_32 = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant LOW_PAIRS_64 = 0x000000000000ffff000000000000ffff000000000000ffff000000000000ffff;
    uint256 private constant ONES_32 = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant ONES_64 = 0x0000000000000001000000000000000100000000000000010000000000000001;
    uint256 private constant SIGN_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;
    /// @dev Adjacent wider integers from which on the word-wise kernel pays.
    uint256 private constant FEW = 8;

    /// @notice What stays the same over all runs of one reduction.
    struct Reduction {
        uint256 width;
        /// 0x80 repeated for i8, else 0.
        uint256 flip;
        /// Zero point, of the flipped bytes for i8.
        int256 zero;
        // The masks: as literals the compiler would fetch them from the code, time and again, for ten times the gas of a word on the stack.
        uint256 evenBytes;
        /// The low 16 bits of every limb of the sum, of 32 bits or, for i64, 64; and 1 in every limb.
        uint256 lowPairs;
        uint256 ones;
    }

    /// @notice Prepares the reduction of an instruction whose accumulator is a sum.
    function prepare(InstructionCodec.Instruction memory instruction)
        internal
        pure
        returns (Reduction memory reduction)
    {
        unchecked {
            uint256 dtype = instruction.operands[0].dtype;
            reduction.width = InstructionCodec.widthOf(dtype);
            reduction.zero = instruction.aZero;
            if (dtype == InstructionCodec.I8) {
                reduction.flip = SIGN_BITS;
                reduction.zero += 128;
            }
            reduction.evenBytes = EVEN_BYTES;
            bool isLong = dtype == InstructionCodec.I64;
            reduction.lowPairs = isLong ? LOW_PAIRS_64 : LOW_PAIRS_32;
            reduction.ones = isLong ? ONES_64 : ONES_32;
        }
    }

    /// @notice Sum of `count` elements from run position `low` on. It means nothing when the source is missing a leaf.
    function run(
        Reduction memory reduction,
        OperandData.Source memory source,
        IndexMap.Form memory form,
        uint256 low,
        uint256 count
    ) internal pure returns (int256 total) {
        unchecked {
            int256 width = int256(reduction.width);
            int256 step = form.step * width;
            int256 byteOffset = (form.value + form.step * int256(low)) * width;
            while (count != 0) {
                (uint256 pointer, uint256 reach) = OperandData.locate(source, uint256(byteOffset), step, count);
                if (reach == 0) return total;
                total += int256(_sum(reduction, pointer, step, reach)) - reduction.zero * int256(reach);
                byteOffset += step * int256(reach);
                count -= reach;
            }
        }
    }

    /// @dev Sum of `count` elements (after flipping) that stand `step` bytes apart in memory.
    function _sum(Reduction memory reduction, uint256 pointer, int256 step, uint256 count)
        private
        pure
        returns (uint256)
    {
        unchecked {
            uint256 width = reduction.width;
            bool adjacent = step == int256(width) || step == -int256(width);
            if (!adjacent || (width != 1 && count < FEW)) return _sumStrided(reduction, pointer, step, count);
            // The order of summation is free: from the lowest address up.
            if (step < 0) pointer -= (count - 1) * width;
            return width == 1 ? _sumBytes(reduction, pointer, count) : _sumWide(reduction, pointer, count);
        }
    }

    /// @dev Sum of `count` unsigned bytes (after flipping) from address `a` on.
    function _sumBytes(Reduction memory reduction, uint256 a, uint256 count)
        private
        pure
        returns (uint256 total)
    {
        uint256 mask = reduction.evenBytes;
        uint256 pairs = reduction.lowPairs;
        uint256 ones = reduction.ones;
        uint256 flip = reduction.flip;
        assembly ("memory-safe") {
            for {} count {} {
                // 16 limbs of 16 bits take 128 words of two bytes a limb: 128 * 2 * 255 < 2^16.
                let chunk := count
                if gt(chunk, 4096) { chunk := 4096 }
                count := sub(count, chunk)
                let sum := 0
                for {} gt(chunk, 127) { chunk := sub(chunk, 128) } {
                    let x := xor(mload(a), flip)
                    sum := add(sum, add(and(x, mask), and(shr(8, x), mask)))
                    x := xor(mload(add(a, 32)), flip)
                    sum := add(sum, add(and(x, mask), and(shr(8, x), mask)))
                    x := xor(mload(add(a, 64)), flip)
                    sum := add(sum, add(and(x, mask), and(shr(8, x), mask)))
                    x := xor(mload(add(a, 96)), flip)
                    sum := add(sum, add(and(x, mask), and(shr(8, x), mask)))
                    a := add(a, 128)
                }
                for {} chunk {} {
                    let x := xor(mload(a), flip)
                    switch lt(chunk, 32)
                    case 0 { chunk := sub(chunk, 32) }
                    default {
                        x := and(x, not(shr(shl(3, chunk), not(0))))
                        chunk := 0
                    }
                    sum := add(sum, add(and(x, mask), and(shr(8, x), mask)))
                    a := add(a, 32)
                }
                sum := add(and(sum, pairs), and(shr(16, sum), pairs))
                // The top limb of a product with 1 + X + ... + X^7 is the sum of all limbs.
                total := add(total, shr(224, mul(sum, ones)))
            }
        }
    }

    /// @dev Sum of `count` integers of 4 or 8 bytes from address `a` on, mod their size.
    function _sumWide(Reduction memory reduction, uint256 a, uint256 count) private pure returns (uint256 total) {
        uint256 mask = reduction.evenBytes;
        uint256 pairs = reduction.lowPairs;
        uint256 ones = reduction.ones;
        uint256 width = reduction.width;
        assembly ("memory-safe") {
            let bits := shl(3, width)
            for { count := mul(count, width) } count {} {
                // Limbs of 16 bits take 256 words of one byte a limb: 256 * 255 < 2^16.
                let chunk := count
                if gt(chunk, 8192) { chunk := 8192 }
                count := sub(count, chunk)
                // Bytes 0, 2, ... and 1, 3, ... of every element.
                let even := 0
                let odd := 0
                for {} gt(chunk, 31) { chunk := sub(chunk, 32) } {
                    let x := mload(a)
                    even := add(even, and(shr(8, x), mask))
                    odd := add(odd, and(x, mask))
                    a := add(a, 32)
                }
                if chunk {
                    let x := and(mload(a), not(shr(shl(3, chunk), not(0))))
                    even := add(even, and(shr(8, x), mask))
                    odd := add(odd, and(x, mask))
                    a := add(a, chunk)
                }
                // The top limb of a product with 1 + X + ... is the sum of all limbs.
                for { let k := 0 } lt(k, bits) { k := add(k, 16) } {
                    let shift := sub(sub(bits, 16), k)
                    let low := shr(sub(256, bits), mul(and(shr(shift, even), pairs), ones))
                    let high := shr(sub(256, bits), mul(and(shr(shift, odd), pairs), ones))
                    total := add(total, shl(k, add(low, shl(8, high))))
                }
            }
        }
    }

    /// @dev Sum of elements `step` bytes apart, one at a time.
    function _sumStrided(Reduction memory reduction, uint256 pointer, int256 step, uint256 count)
        private
        pure
        returns (uint256 total)
    {
        unchecked {
            uint256 width = reduction.width;
            if (width != 1) {
                for (; count != 0; --count) {
                    total += uint256(OperandData.intAt(pointer, width));
                    pointer = uint256(int256(pointer) + step);
                }
                return total;
            }
            uint256 flip = reduction.flip;
            assembly ("memory-safe") {
                for {} count { count := sub(count, 1) } {
                    total := add(total, byte(0, xor(mload(pointer), flip)))
                    pointer := add(pointer, step)
                }
            }
        }
    }
}
