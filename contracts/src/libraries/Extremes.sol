// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";
import {SoftFloat32} from "./SoftFloat32.sol";

/// @title Maxima and minima of any dtype (docs/exact-profile.md, section 3, "Accumulate").
/// @dev Every element becomes a signed number in the order of the values: an integer itself (an i8 plus 128, an order just as good), an f32 what
/// `SoftFloat32.toOrdered` gives, a NaN 0. For a minimum all its bits are turned over, which turns the order round. So only a maximum is taken.
library Extremes {
    uint256 private constant SIGN_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;

    /// @notice What stays the same over all runs of one reduction.
    struct Reduction {
        uint256 dtype;
        uint256 width;
        /// All ones for a minimum, else 0.
        uint256 order;
        /// 0x80 repeated for i8, else 0.
        uint256 flip;
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
                if (width == 1) best = _bytes(reduction, pointer, step, reach, best);
                else if (reduction.dtype == InstructionCodec.F32) best = _floats(reduction, pointer, step, reach, best);
                else best = _integers(reduction, pointer, step, reach, best);
                byteOffset += step * int256(reach);
                count -= reach;
            }
            return best;
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
