// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {DotProducts} from "./DotProducts.sol";
import {Extremes} from "./Extremes.sol";
import {IndexMap} from "./IndexMap.sol";
import {InstructionCodec} from "./InstructionCodec.sol";
import {OperandData} from "./OperandData.sol";
import {Sums} from "./Sums.sol";

/// @title Reductions (docs/exact-profile.md, section 3, "Accumulate"): walks the reduction space run by run.
library Kernels {
    /// @notice The accumulator at an output position.
    /// @param sources One per operand.
    /// @return wellFormed False when an index leaves its tensor or a maximum or minimum is empty.
    /// @return value An int, or an f32's bits for a maximum or minimum of f32; means nothing when a source is missing a leaf.
    function accumulate(
        InstructionCodec.Instruction memory instruction,
        uint256[] memory position,
        OperandData.Source[] memory sources
    ) internal pure returns (bool wellFormed, int256 value) {
        unchecked {
            uint256 kind = instruction.accumulate;
            if (kind == InstructionCodec.NONE) return (true, 0);
            DotProducts.Reduction memory dot;
            Sums.Reduction memory sum;
            Extremes.Reduction memory extreme;
            if (kind == InstructionCodec.DOT) {
                dot = DotProducts.prepare(instruction);
            } else if (kind == InstructionCodec.SUM) {
                sum = Sums.prepare(instruction);
            } else {
                extreme = Extremes.prepare(instruction);
                value = Extremes.NOTHING;
            }
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
                    if (low < high) {
                        value += DotProducts.run(dot, sources[0], sources[1], a[0], b[0], low, high - low);
                    }
                } else if (low < high) {
                    if (kind == InstructionCodec.SUM) value += Sums.run(sum, sources[0], a[0], low, high - low);
                    else value = Extremes.run(extreme, sources[0], a[0], low, high - low, value);
                    any = true;
                }
                // The next run: the mixed-radix successor of `outer`.
                uint256 k = last;
                while (true) {
                    if (k == 0) {
                        if (kind >= InstructionCodec.MAX) return (any, Extremes.finish(extreme, value));
                        bool isLong = kind == InstructionCodec.SUM && sum.width == 8;
                        return (true, isLong ? int256(int64(value)) : int256(int32(value)));
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
}
