// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {InstructionCodec} from "./InstructionCodec.sol";

/// @title Affine index maps (docs/exact-profile.md, section 3): where an operand's elements are.
/// @dev Everything is exact in int256: a form is at most 17 products of an i32 and a u32.
///
/// A *run* is the innermost reduction dimension at one position of the others, or several innermost dimensions where they join (`join`).
/// Along a run the map is linear in the run's own position j and every bound in floor(j / scale), so the positions that satisfy a bound are
/// an interval of j, and the flat index is in range throughout when it is at both ends.
library IndexMap {
    /// @notice One form on its way through the reduction space: its value at the current run's first position.
    struct Form {
        int256 value;
        /// Change whenever the run's position passes a multiple of `scale`; 0 without reduction.
        int256 step;
        /// 1 for the map.
        uint256 scale;
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
            form.scale = 1;
            if (rank != 0) form.step = InstructionCodec.i32(cursor + 4 * (rank - 1));
        }
    }

    /// @notice Whether reduction dimension `k`, of `dim` positions, joins the run of `count` positions inside it: every form stays what a run's
    /// forms are. E.g. the columns of a channels-last window join its channels, padding or not.
    function canJoin(Form[] memory forms, uint256 k, uint256 dim, uint256 count) internal pure returns (bool) {
        unchecked {
            // A dimension of one position adds nothing; to a run of one position every dimension joins.
            if (dim == 1 || count == 1) return true;
            for (uint256 i = 0; i < forms.length; ++i) {
                Form memory form = forms[i];
                // A bound that does not change within the run may change from run to run.
                if (i != 0 && form.step == 0) continue;
                // Everything else must go on as it goes within the run.
                int256 coefficient = InstructionCodec.i32(form.coefficientsAt + 4 * k);
                if (coefficient != form.step * int256(count / form.scale)) return false;
            }
            return true;
        }
    }

    /// @notice Joins a dimension that `canJoin`.
    function join(Form[] memory forms, uint256 k, uint256 dim, uint256 count) internal pure {
        unchecked {
            if (dim == 1) return;
            for (uint256 i = 0; i < forms.length; ++i) {
                Form memory form = forms[i];
                if (count != 1 && (i == 0 || form.step != 0)) continue;
                form.step = InstructionCodec.i32(form.coefficientsAt + 4 * k);
                form.scale = count;
            }
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
                let coefficient := sar(224, calldataload(add(mload(add(form, 96)), k)))
                mstore(form, add(mload(form), mul(coefficient, times)))
            }
        }
    }

    /// @notice The positions low <= j < high of the current run, out of `count`, that satisfy every bound; none when low >= high.
    /// @return legal False when one of them has a flat index outside the tensor: malformed.
    function inside(Form[] memory forms, uint256 count) internal pure returns (bool legal, uint256 low, uint256 high) {
        unchecked {
            high = count;
            uint256 bounds = forms.length;
            for (uint256 i = 1; i < bounds; ++i) {
                Form memory form = _at(forms, i);
                int256 value = form.value;
                int256 step = form.step;
                int256 limit = int256(form.limit);
                if (step == 0) {
                    if (value < 0 || value >= limit) return (true, 0, 0);
                    continue;
                }
                // Satisfied while 0 <= value + step * u < limit, u = floor(j / scale). A falling form is a rising one seen from limit - 1.
                if (step < 0) (value, step) = (limit - 1 - value, -step);
                if (value >= limit) return (true, 0, 0);
                uint256 scale = form.scale;
                // u >= -value / step
                if (value < 0) {
                    uint256 first = _ceiling(uint256(-value), uint256(step)) * scale;
                    if (first > low) low = first;
                }
                // u < (limit - value) / step
                uint256 end = _ceiling(uint256(limit - value), uint256(step)) * scale;
                if (end < high) high = end;
            }
            if (low >= high) return (true, 0, 0);
            Form memory map = _at(forms, 0);
            int256 elements = int256(map.limit);
            int256 a = map.value + map.step * int256(low);
            int256 b = map.value + map.step * int256(high - 1);
            legal = a >= 0 && a < elements && b >= 0 && b < elements;
        }
    }

    /// @dev ceil(a / b) of positive numbers.
    function _ceiling(uint256 a, uint256 b) private pure returns (uint256 quotient) {
        assembly ("memory-safe") {
            quotient := div(sub(add(a, b), 1), b)
        }
    }

    /// @dev forms[i] without the compiler's check: the callers' loops end at the length.
    function _at(Form[] memory forms, uint256 i) private pure returns (Form memory form) {
        assembly ("memory-safe") {
            form := mload(add(add(forms, 32), shl(5, i)))
        }
    }
}
