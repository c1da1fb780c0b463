// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";
import {SoftFloat32} from "./SoftFloat32.sol";

/// @title Maxima and minima of any dtype (docs/exact-profile.md, section 3, "Accumulate").
/// @dev Every element becomes a signed number in the order of the values: an integer itself (an i8 plus 128, an order just as good), an f32 what
/// `SoftFloat32.toOrdered` gives, a NaN 0. For a minimum all its bits are turned over, which turns the order round. So only a maximum is taken.
///
/// Adjacent elements of 32 bits are taken eight at a time, each in the lower half of a limb of 64 bits, as that number plus 2^31: so all are
/// positive, and a difference borrows from bit 32 alone.
library Extremes {
    uint256 private constant EVEN_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;
    /// @dev Adjacent elements from which on the word-wise kernel pays.
    uint256 private constant FEW = 16;
    uint256 private constant SIGN_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;

    /// @notice What stays the same over all runs of one reduction.
    struct Reduction {
        uint256 dtype;
        uint256 width;
        /// All ones for a minimum, else 0.
        uint256 order;
        /// 0x80 repeated for i8, else 0.
        uint256 flip;
        // The masks: as literals the compiler would fetch them from the code, time and again, for ten times the gas of a word on the stack.
        uint256 evenBytes;
        uint256 evenPairs;
        uint256 ones;
    }

    /// @notice What `run` begins with.
    int256 internal constant NOTHING = type(int256).min;

    /// @notice Prepares the reduction of an instruction whose accumulator is a maximum or minimum.
    function prepare(InstructionCodec.Instruction memory instruction)
        internal
        pure
        returns (Reduction memory reduction)
    {
        uint256 dtype = instruction.operands[0].dtype;
        reduction.dtype = dtype;
        reduction.width = InstructionCodec.widthOf(dtype);
        if (instruction.accumulate == InstructionCodec.MIN) reduction.order = type(uint256).max;
        if (dtype == InstructionCodec.I8) reduction.flip = SIGN_BITS;
        reduction.evenBytes = EVEN_BYTES;
        reduction.evenPairs = EVEN_PAIRS;
        reduction.ones = ONES;
    }

    /// @notice The accumulator behind what the last run gave: an int or f32 bits; 0 for nothing.
    function finish(Reduction memory reduction, int256 best) internal pure returns (int256) {
        unchecked {
            if (best == NOTHING) return 0;
            int256 ordered = best ^ int256(reduction.order);
            if (reduction.dtype == InstructionCodec.F32) return int256(SoftFloat32.fromOrdered(ordered));
            return reduction.dtype == InstructionCodec.I8 ? ordered - 128 : ordered;
        }
    }

    /// @notice The largest of `best` and of `count` elements from run position `low` on. It means nothing when the source is missing a leaf.
    function run(
        Reduction memory reduction,
        OperandData.Source memory source,
        IndexMap.Form memory form,
        uint256 low,
        uint256 count,
        int256 best
    ) internal pure returns (int256) {
        unchecked {
            int256 width = int256(reduction.width);
            int256 step = form.step * width;
            int256 byteOffset = (form.value + form.step * int256(low)) * width;
            while (count != 0) {
                (uint256 pointer, uint256 reach) = OperandData.locate(source, uint256(byteOffset), step, count);
                if (reach == 0) return best;
                byteOffset += step * int256(reach);
                count -= reach;
                if (width == 4 && step * step == 16 && reach >= FEW) {
                    // The order is free: from the lowest address up, and what is no whole word by itself.
                    if (step < 0) pointer -= 4 * (reach - 1);
                    uint256 whole = reach & ~uint256(7);
                    best = _words(reduction, pointer, whole, best);
                    pointer += 4 * whole;
                    reach -= whole;
                    best = _single(reduction, pointer, 4, reach, best);
                } else {
                    best = _single(reduction, pointer, step, reach, best);
                }
            }
            return best;
        }
    }

    /// @dev `count` elements, `step` bytes apart, one at a time.
    function _single(Reduction memory reduction, uint256 pointer, int256 step, uint256 count, int256 best)
        private
        pure
        returns (int256)
    {
        if (reduction.width == 1) return _bytes(reduction, pointer, step, count, best);
        if (reduction.dtype == InstructionCodec.F32) return _floats(reduction, pointer, step, count, best);
        return _integers(reduction, pointer, step, count, best);
    }

    /// @dev `count` adjacent i32 or f32 in whole words.
    function _words(Reduction memory reduction, uint256 pointer, uint256 count, int256 best)
        private
        pure
        returns (int256)
    {
        uint256 most = reduction.dtype == InstructionCodec.F32
            ? _floatLimbs(reduction, pointer, count)
            : _integerLimbs(reduction, pointer, count);
        unchecked {
            int256 order = int256(reduction.order);
            for (uint256 i = 0; i < 4; ++i) {
                int256 element = (int256((most & 0xffffffff) ^ uint256(uint32(reduction.order))) - 2 ** 31) ^ order;
                if (element > best) best = element;
                most >>= 64;
            }
        }
        return best;
    }

    /// @dev The largest of every limb's i32.
    function _integerLimbs(Reduction memory reduction, uint256 pointer, uint256 count)
        private
        pure
        returns (uint256 most)
    {
        uint256 bytes_ = reduction.evenBytes;
        uint256 pairs = reduction.evenPairs;
        uint256 ones = reduction.ones;
        uint256 lanes = ones * 0xffffffff;
        // The sign bit over: plus 2^31; for a minimum all other bits instead.
        uint256 turn = (ones << 31) ^ (lanes & reduction.order);
        assembly ("memory-safe") {
            function larger(x, y, unit) -> z {
                let notLess := mul(and(shr(32, sub(or(x, shl(32, unit)), y)), unit), 0xffffffff)
                z := xor(y, and(xor(x, y), notLess))
            }
            for { let end := add(pointer, mul(count, 4)) } lt(pointer, end) { pointer := add(pointer, 32) } {
                let word := mload(pointer)
                word := or(shl(8, and(word, bytes_)), and(shr(8, word), bytes_))
                word := or(shl(16, and(word, pairs)), and(shr(16, word), pairs))
                most := larger(most, xor(and(word, lanes), turn), ones)
                most := larger(most, xor(and(shr(32, word), lanes), turn), ones)
            }
        }
    }

    /// @dev The largest of every limb's f32.
    function _floatLimbs(Reduction memory reduction, uint256 pointer, uint256 count)
        private
        pure
        returns (uint256 most)
    {
        uint256 bytes_ = reduction.evenBytes;
        uint256 pairs = reduction.evenPairs;
        uint256 ones = reduction.ones;
        uint256 turn = (ones * 0xffffffff) & reduction.order;
        assembly ("memory-safe") {
            function larger(x, y, unit) -> z {
                let notLess := mul(and(shr(32, sub(or(x, shl(32, unit)), y)), unit), 0xffffffff)
                z := xor(y, and(xor(x, y), notLess))
            }
            function ordered(word, unit) -> z {
                z := and(word, mul(unit, 0x7fffffff))
                // Bit 31 of the magnitude plus 0x7fffff is set for a NaN, which counts as 0.
                z := and(z, mul(and(not(shr(31, add(z, mul(unit, 0x7fffff)))), unit), 0x7fffffff))
                // 2^31 plus the magnitude, less twice the magnitude where the sign is set.
                let negative := mul(and(shr(31, word), unit), 0x7fffffff)
                z := sub(add(shl(31, unit), z), shl(1, and(z, negative)))
            }
            for { let end := add(pointer, mul(count, 4)) } lt(pointer, end) { pointer := add(pointer, 32) } {
                let word := mload(pointer)
                word := or(shl(8, and(word, bytes_)), and(shr(8, word), bytes_))
                word := or(shl(16, and(word, pairs)), and(shr(16, word), pairs))
                most := larger(most, xor(ordered(word, ones), turn), ones)
                most := larger(most, xor(ordered(shr(32, word), ones), turn), ones)
            }
        }
    }

    /// @dev `count` flipped bytes, `step` apart.
    function _bytes(Reduction memory reduction, uint256 pointer, int256 step, uint256 count, int256 best)
        private
        pure
        returns (int256)
    {
        uint256 flip = reduction.flip;
        uint256 order = reduction.order;
        assembly ("memory-safe") {
            for {} count { count := sub(count, 1) } {
                let element := xor(byte(0, xor(mload(pointer), flip)), order)
                if sgt(element, best) { best := element }
                pointer := add(pointer, step)
            }
        }
        return best;
    }

    /// @dev `count` integers of 4 or 8 bytes, `step` bytes apart.
    function _integers(Reduction memory reduction, uint256 pointer, int256 step, uint256 count, int256 best)
        private
        pure
        returns (int256)
    {
        unchecked {
            uint256 width = reduction.width;
            int256 order = int256(reduction.order);
            for (; count != 0; --count) {
                int256 element = OperandData.intAt(pointer, width) ^ order;
                if (element > best) best = element;
                pointer = uint256(int256(pointer) + step);
            }
            return best;
        }
    }

    /// @dev `count` f32, `step` bytes apart.
    function _floats(Reduction memory reduction, uint256 pointer, int256 step, uint256 count, int256 best)
        private
        pure
        returns (int256)
    {
        unchecked {
            int256 order = int256(reduction.order);
            for (; count != 0; --count) {
                uint256 bits = uint32(int32(OperandData.intAt(pointer, 4)));
                int256 element = (SoftFloat32.isNaN(bits) ? int256(0) : SoftFloat32.toOrdered(bits)) ^ order;
                if (element > best) best = element;
                pointer = uint256(int256(pointer) + step);
            }
            return best;
        }
    }
}
