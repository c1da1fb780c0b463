// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {InstructionCodec} from "./InstructionCodec.sol";

/// @title Affine index maps (docs/exact-profile.md, section 3): where an operand's elements are.
/// @dev Everything is exact in int256: a form is at most 17 products of an i32 and a u32.
///
/// A *run* is the innermost reduction dimension at one position of the others. Along a run the map and every bound are linear in the run's
/// own position j, so the positions that satisfy a bound are an interval of j, and the flat index is in range throughout when it is at both ends.
library IndexMap {
    /// @notice One form on its way through the reduction space: its value at the current run's first position.
    struct Form {
        int256 value;
        /// Change per step of the innermost reduction dimension; 0 without reduction.
        int256 step;
        /// Calldata offset of the reduction coefficients.
        uint256 coefficientsAt;
        /// A bound's limit; for the map the number of elements.
        uint256 limit;
    }

    /// @notice Position of output element `element`, last dimension fastest.
    function positionOf(InstructionCodec.Instruction memory instruction, uint256 element)
        internal
        pure
        returns (uint256[] memory position)
    {
        unchecked {
            uint256 rank = instruction.outRank;
            position = new uint256[](rank);
            for (uint256 k = rank; k > 0;) {
                --k;
                uint256 dim = InstructionCodec.u32(instruction.outDimsAt + 4 * k);
                position[k] = element % dim;
                element /= dim;
            }
        }
    }

    /// @notice The operand's map (first) and bounds, at `position` and the first reduction position.
    function start(InstructionCodec.Instruction memory instruction, uint256 operand, uint256[] memory position)
        internal
        pure
        returns (Form[] memory forms)
    {
        unchecked {
            InstructionCodec.Operand memory source = instruction.operands[operand];
            uint256 count = source.boundCount;
            uint256 rank = instruction.reduceRank;
            forms = new Form[](1 + count);
            _start(forms[0], source.mapAt, position, rank);
            forms[0].limit = source.elements;
            uint256 cursor = source.boundsAt;
            uint256 boundBytes = 8 + 4 * (position.length + rank);
            for (uint256 i = 1; i <= count; ++i) {
                _start(forms[i], cursor + 4, position, rank);
                forms[i].limit = InstructionCodec.u32(cursor);
                cursor += boundBytes;
            }
        }
    }

    function _start(Form memory form, uint256 cursor, uint256[] memory position, uint256 rank) private pure {
        unchecked {
            int256 value;
            uint256 count = position.length;
            assembly ("memory-safe") {
                value := sar(224, calldataload(cursor))
                cursor := add(cursor, 4)
                for { let from := add(position, 32) } count { count := sub(count, 1) } {
                    value := add(value, mul(mload(from), sar(224, calldataload(cursor))))
                    cursor := add(cursor, 4)
                    from := add(from, 32)
                }
            }
            form.value = value;
            form.coefficientsAt = cursor;
            if (rank != 0) form.step = InstructionCodec.i32(cursor + 4 * (rank - 1));
        }
    }

    /// @notice Moves all forms `times` steps along reduction dimension `k`.
    function move(Form[] memory forms, uint256 k, int256 times) internal pure {
        assembly ("memory-safe") {
            let from := add(forms, 32)
            let end := add(from, mul(mload(forms), 32))
            k := mul(k, 4)
            for {} lt(from, end) { from := add(from, 32) } {
                let form := mload(from)
                let coefficient := sar(224, calldataload(add(mload(add(form, 64)), k)))
                mstore(form, add(mload(form), mul(coefficient, times)))
            }
        }
    }

    /// @notice The positions low <= j < high of the current run, out of `count`, that satisfy every bound; none when low >= high.
    /// @return legal False when one of them has a flat index outside the tensor: malformed.
    function inside(Form[] memory forms, uint256 count) internal pure returns (bool legal, uint256 low, uint256 high) {
        unchecked {
            int256 least = 0;
            int256 most = int256(count);
            for (uint256 i = 1; i < forms.length; ++i) {
                Form memory form = forms[i];
                int256 value = form.value;
                int256 step = form.step;
                int256 limit = int256(form.limit);
                if (step == 0) {
                    if (value < 0 || value >= limit) return (true, 0, 0);
                    continue;
                }
                // Satisfied while 0 <= value + step * j < limit. A falling form is a rising one seen from limit - 1.
                if (step < 0) (value, step) = (limit - 1 - value, -step);
                if (value >= limit) return (true, 0, 0);
                // j >= -value / step
                if (value < 0) {
                    int256 first = (-value + step - 1) / step;
                    if (first > least) least = first;
                }
                // j < (limit - value) / step
                int256 end = (limit - value + step - 1) / step;
                if (end < most) most = end;
            }
            if (least >= most) return (true, 0, 0);
            int256 elements = int256(forms[0].limit);
            int256 a = forms[0].value + forms[0].step * least;
            int256 b = forms[0].value + forms[0].step * (most - 1);
            legal = a >= 0 && a < elements && b >= 0 && b < elements;
            return (legal, uint256(least), uint256(most));
        }
    }
}
