// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";

/// @title Reductions (docs/exact-profile.md, section 3, "Accumulate").
/// @dev Sums are taken mod 2^256 and cut to int32 at the end: 2^32 divides 2^256, so wrapping anywhere on the way is the same.
///
/// Dot products multiply 32 bytes at a time (Kronecker substitution). A word masked with 0x000000ff repeated is a polynomial in X = 2^32
/// of 8 bytes; the coefficient of X^7 of the product of a(X) and b(X) is the sum of a_l * b_{7-l}. With b's bytes in reverse order
/// that is a dot product of 8 bytes in the top limb of one 256-bit MUL. A word has four such groups. Zero points are subtracted from
/// whole groups, zero * (1 + X + ... + X^7) from each: limbs borrow from each other, but the polynomial is the right one, and so is the
/// top coefficient, rounded (plus half of X^7), while all others stay below 2^31 in magnitude. With bytes and zero points below 384 in
/// magnitude that is so for 16,384 bytes: 7/8 * 16384 * 383^2 < 2^31.
/// Signed bytes are taken as x ^ 0x80 = x + 128, which moves the zero point by 128.
library Kernels {
    uint256 private constant LOW_BYTES = 0x000000ff000000ff000000ff000000ff000000ff000000ff000000ff000000ff;
    uint256 private constant EVEN_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant EVEN_LIMBS = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    uint256 private constant EVEN_LIMB_PAIRS = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
    /// @dev Bytes that the word-wise kernels sum before they extract, and the largest zero point (of flipped bytes) they allow.
    uint256 private constant MAX_CHUNK = 16_384;
    int256 private constant MOST_ZERO = 383;
    uint256 private constant SIGN_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;

    /// @dev What stays the same over all runs of one reduction.
    struct Reduction {
        uint256 aWidth;
        /// (`_dotSame` reads the two flips by their place in memory.) 0x80 repeated for i8, 0 for u8.
        uint256 aFlip;
        uint256 bFlip;
        /// Zero points of the flipped bytes.
        int256 aZero;
        int256 bZero;
        int256 total;
        // The masks: as literals the compiler would fetch them from the code, time and again, for ten times the gas of a word on the stack.
        uint256 lowBytes;
        uint256 evenBytes;
        uint256 evenPairs;
        uint256 ones;
        uint256 evenLimbs;
        uint256 evenLimbPairs;
        /// Zero points in every 32-bit limb.
        uint256 aZeros;
        uint256 bZeros;
        /// A zero point is beyond what the word-wise kernels allow.
        bool wideZeros;
    }

    /// @notice The accumulator at an output position.
    /// @param sources One per operand.
    /// @return wellFormed False when an index leaves its tensor or a maximum is empty.
    /// @return value Within int32; means nothing when a source is missing a leaf.
    function accumulate(
        InstructionCodec.Instruction memory instruction,
        uint256[] memory position,
        OperandData.Source[] memory sources
    ) internal pure returns (bool wellFormed, int256 value) {
        unchecked {
            uint256 kind = instruction.accumulate;
            if (kind == InstructionCodec.NONE) return (true, 0);
            Reduction memory reduction = _reduction(instruction);
            uint256 last = instruction.reduceRank - 1;
            uint256 count = InstructionCodec.u32(instruction.reduceDimsAt + 4 * last);
            IndexMap.Form[] memory a = IndexMap.start(instruction, 0, position);
            IndexMap.Form[] memory b;
            if (kind == InstructionCodec.DOT) b = IndexMap.start(instruction, 1, position);
            while (last > 0) {
                uint256 dim = InstructionCodec.u32(instruction.reduceDimsAt + 4 * (last - 1));
                if (!IndexMap.canJoin(a, last - 1, dim, count) || !IndexMap.canJoin(b, last - 1, dim, count)) break;
                IndexMap.join(a, last - 1, dim, count);
                IndexMap.join(b, last - 1, dim, count);
                --last;
                count *= dim;
            }
            uint256[] memory outer = new uint256[](last);
            bool any = false;
            while (true) {
                (bool legal, uint256 low, uint256 high) = IndexMap.inside(a, count);
                if (low < high && !legal) return (false, 0);
                if (kind == InstructionCodec.DOT) {
                    (bool bLegal, uint256 bLow, uint256 bHigh) = IndexMap.inside(b, count);
                    if (bLow < bHigh && !bLegal) return (false, 0);
                    if (bLow > low) low = bLow;
                    if (bHigh < high) high = bHigh;
                    if (low < high) _dotRun(reduction, sources[0], sources[1], a[0], b[0], low, high - low);
                } else if (low < high) {
                    if (kind == InstructionCodec.SUM) _sumRun(reduction, sources[0], a[0], low, high - low);
                    else _maxRun(reduction, sources[0], a[0], low, high - low);
                    any = true;
                }
                // The next run: the mixed-radix successor of `outer`.
                uint256 k = last;
                while (true) {
                    if (k == 0) {
                        if (kind == InstructionCodec.MAX) return (any, reduction.total);
                        value = reduction.total;
                        assembly ("memory-safe") {
                            value := signextend(3, value)
                        }
                        return (true, value);
                    }
                    --k;
                    uint256 dim = InstructionCodec.u32(instruction.reduceDimsAt + 4 * k);
                    uint256 next = outer[k] + 1;
                    int256 times = next == dim ? -int256(outer[k]) : int256(1);
                    outer[k] = next == dim ? 0 : next;
                    if (times != 0) {
                        IndexMap.move(a, k, times);
                        if (kind == InstructionCodec.DOT) IndexMap.move(b, k, times);
                    }
                    if (next != dim) break;
                }
            }
        }
    }

    function _reduction(InstructionCodec.Instruction memory instruction)
        private
        pure
        returns (Reduction memory reduction)
    {
        unchecked {
            reduction.lowBytes = LOW_BYTES;
            reduction.evenBytes = EVEN_BYTES;
            reduction.evenPairs = EVEN_PAIRS;
            reduction.ones = ONES;
            uint256 aDtype = instruction.operands[0].dtype;
            reduction.aWidth = InstructionCodec.widthOf(aDtype);
            reduction.aZero = instruction.aZero;
            if (aDtype == InstructionCodec.I8) {
                reduction.aFlip = SIGN_BITS;
                reduction.aZero += 128;
            }
            if (instruction.accumulate == InstructionCodec.DOT) {
                reduction.bZero = instruction.bZero;
                if (instruction.operands[1].dtype == InstructionCodec.I8) {
                    reduction.bFlip = SIGN_BITS;
                    reduction.bZero += 128;
                }
                int256 aZero = reduction.aZero;
                int256 bZero = reduction.bZero;
                reduction.aZeros = uint256(aZero * int256(ONES));
                reduction.bZeros = uint256(bZero * int256(ONES));
                reduction.wideZeros = aZero < -128 || aZero > MOST_ZERO || bZero < -128 || bZero > MOST_ZERO;
                reduction.evenLimbs = EVEN_LIMBS;
                reduction.evenLimbPairs = EVEN_LIMB_PAIRS;
            } else if (instruction.accumulate == InstructionCodec.MAX) {
                reduction.total = type(int256).min;
            }
        }
    }

    /// @dev Adds `count` products from run position `low` on.
    function _dotRun(
        Reduction memory reduction,
        OperandData.Source memory aSource,
        OperandData.Source memory bSource,
        IndexMap.Form memory a,
        IndexMap.Form memory b,
        uint256 low,
        uint256 count
    ) private pure {
        unchecked {
            int256 aAt = a.value + a.step * int256(low);
            int256 bAt = b.value + b.step * int256(low);
            while (count != 0) {
                (uint256 aPointer, uint256 reach) = OperandData.locate(aSource, uint256(aAt), a.step, count);
                (uint256 bPointer, uint256 bReach) = OperandData.locate(bSource, uint256(bAt), b.step, count);
                if (bReach < reach) reach = bReach;
                if (reach == 0) return;
                reduction.total += int256(_dot(reduction, aPointer, a.step, bPointer, b.step, reach));
                aAt += a.step * int256(reach);
                bAt += b.step * int256(reach);
                count -= reach;
            }
        }
    }

    /// @dev Sum of (a - aZero)(b - bZero) over elements that stand `aStep` and `bStep` bytes apart in memory.
    function _dot(Reduction memory reduction, uint256 a, int256 aStep, uint256 b, int256 bStep, uint256 count)
        private
        pure
        returns (uint256 total)
    {
        unchecked {
            // Below some 5 elements the word-wise kernels do not pay.
            if (count < 5 || aStep * aStep != 1 || bStep * bStep != 1 || reduction.wideZeros) {
                return _dotStrided(reduction, a, aStep, b, bStep, count);
            }
            // Lowest addresses of both. The order of summation is free, so each run may be taken from either end.
            if (aStep != 1) a -= count - 1;
            if (bStep != 1) b -= count - 1;
            bool same = aStep == bStep;
            uint256 rest = count & 31;
            count -= rest;
            if (rest != 0) total = _dotRest(reduction, a + count, same ? b + count : b, rest, same);
            // The first word of an opposite b is its last one.
            if (!same) b += rest + count - 32;
            while (count != 0) {
                uint256 chunk = count < MAX_CHUNK ? count : MAX_CHUNK;
                total += same ? _dotSame(reduction, a, b, chunk) : _dotOpposite(reduction, a, b, chunk);
                count -= chunk;
                a += chunk;
                b = same ? b + chunk : b - chunk;
            }
        }
    }

    /// @dev `_dot` of the last `count` < 32 elements: words with bytes of value 0 in place of what does not belong to the run.
    function _dotRest(Reduction memory reduction, uint256 a, uint256 b, uint256 count, bool same)
        private
        pure
        returns (uint256 total)
    {
        unchecked {
            uint256 keep = ~(type(uint256).max >> (8 * count));
            uint256 aWord = _select(a, keep, reduction.aFlip);
            // The bytes of an opposite b end with those that a's begin with.
            if (!same) {
                b -= 32 - count;
                keep = (uint256(1) << (8 * count)) - 1;
            }
            uint256 bWord = _select(b, keep, reduction.bFlip);
            assembly ("memory-safe") {
                a := mload(0x40)
                b := add(a, 32)
                mstore(a, aWord)
                mstore(b, bWord)
            }
            total = same ? _dotSame(reduction, a, b, 32) : _dotOpposite(reduction, a, b, 32);
            // What (0 - aZero)(0 - bZero) adds.
            total -= (32 - count) * uint256(reduction.aZero * reduction.bZero);
        }
    }

    function _select(uint256 pointer, uint256 keep, uint256 other) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := or(and(mload(pointer), keep), and(other, not(keep)))
        }
    }

    /// @dev Sum of (a_j - aZero)(b_j - bZero) mod 2^32 over at most 16,384 bytes in whole words; b_0 is the last byte of the word at `b`, and
    /// goes down from there.
    function _dotOpposite(Reduction memory reduction, uint256 a, uint256 b, uint256 count)
        private
        pure
        returns (uint256 sum)
    {
        uint256 mask = reduction.lowBytes;
        uint256 aFlip = reduction.aFlip;
        uint256 bFlip = reduction.bFlip;
        uint256 aZeros = reduction.aZeros;
        uint256 bZeros = reduction.bZeros;
        assembly ("memory-safe") {
            let end := add(a, count)
            if and(count, 32) {
                let x := xor(mload(a), aFlip)
                let y := xor(mload(b), bFlip)
                // a's bytes 3, 7, ... from the left meet b's 0, 4, ...
                sum := mul(sub(and(x, mask), aZeros), sub(and(shr(24, y), mask), bZeros))
                sum := add(sum, mul(sub(and(shr(8, x), mask), aZeros), sub(and(shr(16, y), mask), bZeros)))
                sum := add(sum, mul(sub(and(shr(16, x), mask), aZeros), sub(and(shr(8, y), mask), bZeros)))
                sum := add(sum, mul(sub(and(shr(24, x), mask), aZeros), sub(and(y, mask), bZeros)))
                a := add(a, 32)
                b := sub(b, 32)
            }
            for {} lt(a, end) {} {
                let x := xor(mload(a), aFlip)
                let y := xor(mload(b), bFlip)
                sum := add(mul(sub(and(x, mask), aZeros), sub(and(shr(24, y), mask), bZeros)), sum)
                sum := add(mul(sub(and(shr(8, x), mask), aZeros), sub(and(shr(16, y), mask), bZeros)), sum)
                sum := add(mul(sub(and(shr(16, x), mask), aZeros), sub(and(shr(8, y), mask), bZeros)), sum)
                sum := add(mul(sub(and(shr(24, x), mask), aZeros), sub(and(y, mask), bZeros)), sum)
                x := xor(mload(add(a, 32)), aFlip)
                y := xor(mload(sub(b, 32)), bFlip)
                sum := add(mul(sub(and(x, mask), aZeros), sub(and(shr(24, y), mask), bZeros)), sum)
                sum := add(mul(sub(and(shr(8, x), mask), aZeros), sub(and(shr(16, y), mask), bZeros)), sum)
                sum := add(mul(sub(and(shr(16, x), mask), aZeros), sub(and(shr(8, y), mask), bZeros)), sum)
                sum := add(mul(sub(and(shr(24, x), mask), aZeros), sub(and(y, mask), bZeros)), sum)
                a := add(a, 64)
                b := sub(b, 64)
            }
            sum := shr(224, add(sum, shl(223, 1)))
        }
    }

    /// @dev Sum of (a_j - aZero)(b_j - bZero) mod 2^32 over at most 16,384 bytes in whole words: b's words are turned round in 32-bit limbs,
    /// so that every group meets the same group.
    function _dotSame(Reduction memory reduction, uint256 a, uint256 b, uint256 count)
        private
        pure
        returns (uint256 sum)
    {
        uint256 mask = reduction.lowBytes;
        uint256 aZeros = reduction.aZeros;
        uint256 bZeros = reduction.bZeros;
        uint256 limbs = reduction.evenLimbs;
        uint256 pairs = reduction.evenLimbPairs;
        assembly ("memory-safe") {
            let end := add(a, count)
            for {} lt(a, end) {} {
                let y := xor(mload(b), mload(add(reduction, 64)))
                y := or(shl(128, y), shr(128, y))
                y := or(and(shr(64, y), pairs), shl(64, and(y, pairs)))
                y := or(and(shr(32, y), limbs), shl(32, and(y, limbs)))
                let x := xor(mload(a), mload(add(reduction, 32)))
                sum := add(sum, mul(sub(and(x, mask), aZeros), sub(and(y, mask), bZeros)))
                sum := add(sum, mul(sub(and(shr(8, x), mask), aZeros), sub(and(shr(8, y), mask), bZeros)))
                sum := add(sum, mul(sub(and(shr(16, x), mask), aZeros), sub(and(shr(16, y), mask), bZeros)))
                sum := add(sum, mul(sub(and(shr(24, x), mask), aZeros), sub(and(shr(24, y), mask), bZeros)))
                a := add(a, 32)
                b := add(b, 32)
            }
            sum := shr(224, add(sum, shl(223, 1)))
        }
    }

    /// @dev Sum of `count` unsigned bytes (after flipping) from address `a` on.
    function _sumBytes(Reduction memory reduction, uint256 a, uint256 count, uint256 flip)
        private
        pure
        returns (uint256 total)
    {
        uint256 mask = reduction.evenBytes;
        uint256 pairs = reduction.evenPairs;
        uint256 ones = reduction.ones;
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

    /// @dev Any strides, one element at a time.
    function _dotStrided(Reduction memory reduction, uint256 a, int256 aStep, uint256 b, int256 bStep, uint256 count)
        private
        pure
        returns (uint256 total)
    {
        uint256 aFlip = reduction.aFlip;
        uint256 bFlip = reduction.bFlip;
        int256 aZero = reduction.aZero;
        int256 bZero = reduction.bZero;
        assembly ("memory-safe") {
            for {} count { count := sub(count, 1) } {
                total :=
                    add(
                        total,
                        mul(sub(byte(0, xor(mload(a), aFlip)), aZero), sub(byte(0, xor(mload(b), bFlip)), bZero))
                    )
                a := add(a, aStep)
                b := add(b, bStep)
            }
        }
    }

    /// @dev Adds `count` elements from run position `low` on.
    function _sumRun(
        Reduction memory reduction,
        OperandData.Source memory source,
        IndexMap.Form memory form,
        uint256 low,
        uint256 count
    ) private pure {
        unchecked {
            int256 width = int256(reduction.aWidth);
            int256 step = form.step * width;
            int256 byteOffset = (form.value + form.step * int256(low)) * width;
            while (count != 0) {
                (uint256 pointer, uint256 reach) = OperandData.locate(source, uint256(byteOffset), step, count);
                if (reach == 0) return;
                uint256 sum = step == 1
                    ? _sumBytes(reduction, pointer, reach, reduction.aFlip)
                    : step == -1
                        ? _sumBytes(reduction, pointer - (reach - 1), reach, reduction.aFlip)
                        : _sumStrided(reduction, pointer, step, reach);
                reduction.total += int256(sum) - reduction.aZero * int256(reach);
                byteOffset += step * int256(reach);
                count -= reach;
            }
        }
    }

    /// @dev Sum of elements `step` bytes apart: flipped bytes, or int32.
    function _sumStrided(Reduction memory reduction, uint256 pointer, int256 step, uint256 count)
        private
        pure
        returns (uint256 total)
    {
        unchecked {
            for (; count != 0; --count) {
                total += uint256(_element(reduction, pointer));
                pointer = uint256(int256(pointer) + step);
            }
        }
    }

    /// @dev Takes the maximum over `count` elements from run position `low` on.
    function _maxRun(
        Reduction memory reduction,
        OperandData.Source memory source,
        IndexMap.Form memory form,
        uint256 low,
        uint256 count
    ) private pure {
        unchecked {
            int256 width = int256(reduction.aWidth);
            int256 step = form.step * width;
            int256 byteOffset = (form.value + form.step * int256(low)) * width;
            int256 largest = reduction.total;
            // A maximum of flipped bytes: the shift by their zero point (128 for i8, 0 else) is undone here.
            int256 shift = reduction.aZero;
            while (count != 0) {
                (uint256 pointer, uint256 reach) = OperandData.locate(source, uint256(byteOffset), step, count);
                if (reach == 0) return;
                byteOffset += step * int256(reach);
                count -= reach;
                for (; reach != 0; --reach) {
                    int256 element = _element(reduction, pointer) - shift;
                    if (element > largest) largest = element;
                    pointer = uint256(int256(pointer) + step);
                }
            }
            reduction.total = largest;
        }
    }

    /// @dev A flipped byte or an int32 at a memory address.
    function _element(Reduction memory reduction, uint256 pointer) private pure returns (int256 value) {
        if (reduction.aWidth == 4) return OperandData.int32At(pointer);
        uint256 flip = reduction.aFlip;
        assembly ("memory-safe") {
            value := byte(0, xor(mload(pointer), flip))
        }
    }
}
