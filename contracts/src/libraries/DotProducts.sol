// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";

/// @title Dot products of bytes (docs/exact-profile.md, section 3, "Accumulate").
/// @dev Sums are taken mod 2^256 and cut to int32 at the end: 2^32 divides 2^256, so wrapping anywhere on the way is the same.
///
/// Dot products multiply 32 bytes at a time (Kronecker substitution). A word masked with 0x000000ff repeated is a polynomial in X = 2^32
/// of 8 bytes; the coefficient of X^7 of the product of a(X) and b(X) is the sum of a_l * b_{7-l}. With b's bytes in reverse order
/// that is a dot product of 8 bytes in the top limb of one 256-bit MUL. A word has four such groups. Zero points are subtracted from
/// whole groups, zero * (1 + X + ... + X^7) from each: limbs borrow from each other, but the polynomial is the right one, and so is the
/// top coefficient, rounded (plus half of X^7), while all others stay below 2^31 in magnitude. With bytes and zero points below 384 in
/// magnitude that is so for 16,384 bytes: 7/8 * 16384 * 383^2 < 2^31.
/// Signed bytes are taken as x ^ 0x80 = x + 128, which moves the zero point by 128.
library DotProducts {
    uint256 private constant LOW_BYTES = 0x000000ff000000ff000000ff000000ff000000ff000000ff000000ff000000ff;
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant EVEN_LIMBS = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    uint256 private constant EVEN_LIMB_PAIRS = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
    /// @dev Bytes that the word-wise kernels sum before they extract, and the largest zero point (of flipped bytes) they allow.
    uint256 private constant MAX_CHUNK = 16_384;
    int256 private constant MOST_ZERO = 383;
    uint256 private constant SIGN_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;

    /// @notice What stays the same over all runs of one reduction.
    struct Reduction {
        /// (`_dotSame` reads the two flips by their place in memory.) 0x80 repeated for i8, 0 for u8.
        uint256 aFlip;
        uint256 bFlip;
        /// Zero points of the flipped bytes.
        int256 aZero;
        int256 bZero;
        // The masks: as literals the compiler would fetch them from the code, time and again, for ten times the gas of a word on the stack.
        uint256 lowBytes;
        uint256 evenLimbs;
        uint256 evenLimbPairs;
        /// Zero points in every 32-bit limb.
        uint256 aZeros;
        uint256 bZeros;
        /// A zero point is beyond what the word-wise kernels allow.
        bool wideZeros;
    }

    /// @notice Prepares the reduction of an instruction whose accumulator is a dot product.
    function prepare(InstructionCodec.Instruction memory instruction)
        internal
        pure
        returns (Reduction memory reduction)
    {
        unchecked {
            int256 aZero = instruction.aZero;
            int256 bZero = instruction.bZero;
            if (instruction.operands[0].dtype == InstructionCodec.I8) {
                reduction.aFlip = SIGN_BITS;
                aZero += 128;
            }
            if (instruction.operands[1].dtype == InstructionCodec.I8) {
                reduction.bFlip = SIGN_BITS;
                bZero += 128;
            }
            reduction.aZero = aZero;
            reduction.bZero = bZero;
            reduction.aZeros = uint256(aZero * int256(ONES));
            reduction.bZeros = uint256(bZero * int256(ONES));
            reduction.wideZeros = aZero < -128 || aZero > MOST_ZERO || bZero < -128 || bZero > MOST_ZERO;
            reduction.lowBytes = LOW_BYTES;
            reduction.evenLimbs = EVEN_LIMBS;
            reduction.evenLimbPairs = EVEN_LIMB_PAIRS;
        }
    }

    /// @notice Sum of `count` products from run position `low` on. It means nothing when a source is missing a leaf.
    function run(
        Reduction memory reduction,
        OperandData.Source memory aSource,
        OperandData.Source memory bSource,
        IndexMap.Form memory a,
        IndexMap.Form memory b,
        uint256 low,
        uint256 count
    ) internal pure returns (int256 total) {
        unchecked {
            int256 aAt = a.value + a.step * int256(low);
            int256 bAt = b.value + b.step * int256(low);
            while (count != 0) {
                (uint256 aPointer, uint256 reach) = OperandData.locate(aSource, uint256(aAt), a.step, count);
                (uint256 bPointer, uint256 bReach) = OperandData.locate(bSource, uint256(bAt), b.step, count);
                if (bReach < reach) reach = bReach;
                if (reach == 0) return total;
                total += int256(_dot(reduction, aPointer, a.step, bPointer, b.step, reach));
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
                let y := xor(mload(b), mload(add(reduction, 32)))
                y := or(shl(128, y), shr(128, y))
                y := or(and(shr(64, y), pairs), shl(64, and(y, pairs)))
                y := or(and(shr(32, y), limbs), shl(32, and(y, limbs)))
                let x := xor(mload(a), mload(reduction))
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
}
