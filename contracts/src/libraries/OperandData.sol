// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {InstructionCodec} from "./InstructionCodec.sol";
import {SoftFloat32} from "./SoftFloat32.sol";

/// @title The bytes of an operand that a witness proved: some leaves of a tensor, in memory.
/// @dev A read of a leaf that is not there is noted and yields nothing, instead of reverting: whether the instruction is malformed must not
/// depend on what the witness carries, so the caller decides at the end.
library OperandData {
    /// @notice Leaves of one operand.
    struct Source {
        /// Memory address of the first leaf's bytes; leaf number `slot` of the list stands at `data + 256 * slot`.
        uint256 data;
        /// Memory address of the leaf numbers, one word each, strictly increasing.
        uint256 leaves;
        /// Leaves there are.
        uint256 count;
        /// Slot where the last read began: reads tend to go on from there.
        uint256 hint;
        /// 1 + the first leaf that was asked for and is not there; 0 while there is none.
        uint256 missing;
    }

    /// @notice Copies proven leaves to memory.
    function load(uint32[] calldata leaves, bytes calldata data) internal pure returns (Source memory source) {
        source.count = leaves.length;
        uint256 numbers;
        uint256 copy;
        assembly ("memory-safe") {
            // The kernels read whole words around the data: up to 31 bytes before it (the leaf numbers) and 32 after it.
            numbers := mload(0x40)
            copy := add(add(numbers, mul(leaves.length, 32)), 32)
            mstore(0x40, and(add(add(copy, data.length), 95), not(31)))
            calldatacopy(numbers, leaves.offset, mul(leaves.length, 32))
            calldatacopy(copy, data.offset, data.length)
        }
        source.leaves = numbers;
        source.data = copy;
    }

    /// @notice Memory address of byte `byteOffset` of the tensor, and how many of `count` elements, `stride` bytes apart from there on, stand in
    /// memory that far apart as well.
    /// @dev Elements never straddle leaves: 256 is a multiple of their width. The caller has checked that all lie within the tensor.
    /// @return pointer Memory address of the first element.
    /// @return reach Elements reached, at least 1; 0 when the first one's leaf is not there.
    function locate(Source memory source, uint256 byteOffset, int256 stride, uint256 count)
        internal
        pure
        returns (uint256 pointer, uint256 reach)
    {
        unchecked {
            uint256 leaf = byteOffset >> 8;
            uint256 slot = _slotOf(source, leaf);
            if (slot == source.count) {
                if (source.missing == 0) source.missing = leaf + 1;
                return (0, 0);
            }
            source.hint = slot;
            uint256 within = byteOffset & 255;
            pointer = source.data + (slot << 8) + within;
            // Leaf numbers strictly increase: when the last leaf is as many slots away as leaves, all between are there.
            uint256 last = uint256(int256(byteOffset) + stride * int256(count - 1)) >> 8;
            uint256 lastSlot = slot + last - leaf;
            if (lastSlot < source.count && _leafAt(source, lastSlot) == last) return (pointer, count);
            // Otherwise only what the first leaf holds.
            if (stride > 0) reach = (255 - within) / uint256(stride) + 1;
            else reach = within / uint256(-stride) + 1;
            if (reach > count) reach = count;
        }
    }

    /// @notice The element at a flat index within the tensor, as the expression's value; an f32 that is a NaN gives +0 (section 1). 0 when its leaf
    /// is not there.
    function read(Source memory source, uint256 dtype, uint256 index) internal pure returns (uint256 value) {
        uint256 width = InstructionCodec.widthOf(dtype);
        (uint256 pointer, uint256 reach) = locate(source, index * width, 0, 1);
        if (reach == 0) return 0;
        value = uint256(intAt(pointer, width));
        if (dtype == InstructionCodec.U8) {
            value &= 0xff;
        } else if (dtype == InstructionCodec.F32) {
            value &= 0xffffffff;
            if (SoftFloat32.isNaN(value)) value = 0;
        }
    }

    /// @notice Whether something was asked for that is not there.
    function anyMissing(Source[] memory sources) internal pure returns (bool) {
        uint256 count = sources.length;
        for (uint256 i = 0; i < count; ++i) {
            if (sources[i].missing != 0) return true;
        }
        return false;
    }

    /// @notice The little-endian signed integer of `width` bytes (1, 4 or 8) at a memory address.
    function intAt(uint256 pointer, uint256 width) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            // Of 8 bytes the order is turned round; the sign extension cuts off those that do not belong to the integer.
            let word := shr(192, mload(pointer))
            word := or(shl(8, and(word, 0x00ff00ff00ff00ff)), and(shr(8, word), 0x00ff00ff00ff00ff))
            word := or(shl(16, and(word, 0x0000ffff0000ffff)), and(shr(16, word), 0x0000ffff0000ffff))
            value := signextend(sub(width, 1), or(shl(32, word), shr(32, word)))
        }
    }

    function _leafAt(Source memory source, uint256 slot) private pure returns (uint256 leaf) {
        uint256 leaves = source.leaves;
        assembly ("memory-safe") {
            leaf := mload(add(leaves, shl(5, slot)))
        }
    }

    /// @dev Slot of a leaf, or `count` when it is not there.
    function _slotOf(Source memory source, uint256 leaf) private pure returns (uint256) {
        unchecked {
            uint256 count = source.count;
            uint256 low = 0;
            uint256 high = count;
            uint256 near = source.hint;
            if (near < count) {
                uint256 there = _leafAt(source, near);
                if (there == leaf) return near;
                // Reads tend to go on to the next leaf, or to the one before.
                if (there < leaf) {
                    low = near + 1;
                    if (low < count && _leafAt(source, low) == leaf) return low;
                } else {
                    high = near;
                    if (near != 0 && _leafAt(source, near - 1) == leaf) return near - 1;
                }
            }
            while (low < high) {
                uint256 middle = (low + high) >> 1;
                if (_leafAt(source, middle) < leaf) low = middle + 1;
                else high = middle;
            }
            return low < count && _leafAt(source, low) == leaf ? low : count;
        }
    }
}
