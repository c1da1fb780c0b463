// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title IEEE 754-2019 binary32 on bit patterns, roundTiesToEven, denormals kept, one NaN.
/// @dev Every operation computes an exact (or sticky) integer times a power of two and rounds it once in `_round`, so that the result is
/// the correctly rounded one of IEEE 754, section 4.3.1. Arguments are 32-bit patterns in a `uint256`; upper bits must be zero.
library SoftFloat32 {
    /// @notice The only NaN there is (docs/exact-profile.md, section 1).
    uint256 internal constant NAN = 0x7fc00000;
    uint256 internal constant INFINITY = 0x7f800000;
    uint256 private constant SIGN = 0x80000000;
    uint256 private constant MAGNITUDE = 0x7fffffff;
    /// @dev Exponent of the least significant bit of the smallest denormal.
    int256 private constant LOWEST = -149;

    /// @notice Whether the pattern is a NaN.
    function isNaN(uint256 a) internal pure returns (bool) {
        return a & MAGNITUDE > INFINITY;
    }

    /// @notice f32(a + b).
    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 aMagnitude = a & MAGNITUDE;
            uint256 bMagnitude = b & MAGNITUDE;
            if (aMagnitude > INFINITY || bMagnitude > INFINITY) return NAN;
            if (aMagnitude == INFINITY) return bMagnitude == INFINITY && a != b ? NAN : a;
            if (bMagnitude == INFINITY) return b;
            // The larger magnitude first: its sign is the sum's.
            if (aMagnitude < bMagnitude) (a, b) = (b, a);
            (uint256 aSignificand, int256 aExponent) = _unpack(a);
            (uint256 bSignificand, int256 bExponent) = _unpack(b);
            uint256 distance = uint256(aExponent - bExponent);
            if (distance > 64) {
                // b is less than a 2^-40th of a's last place: any non-zero value this small rounds alike.
                if (bSignificand != 0) bSignificand = 1;
                distance = 64;
            }
            aSignificand <<= distance;
            uint256 sign = a & SIGN;
            if ((a ^ b) & SIGN == 0) {
                aSignificand += bSignificand;
            } else {
                aSignificand -= bSignificand;
                // x - x is +0 in this rounding direction (section 6.3); -0 + -0 takes the other branch and stays -0.
                if (aSignificand == 0) return 0;
            }
            return _round(sign, aSignificand, aExponent - int256(distance));
        }
    }

    /// @notice f32(a - b).
    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return add(a, b ^ SIGN);
    }

    /// @notice f32(a * b).
    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 sign = (a ^ b) & SIGN;
            a &= MAGNITUDE;
            b &= MAGNITUDE;
            if (a > INFINITY || b > INFINITY) return NAN;
            if (a == INFINITY || b == INFINITY) return a == 0 || b == 0 ? NAN : sign | INFINITY;
            (uint256 aSignificand, int256 aExponent) = _unpack(a);
            (uint256 bSignificand, int256 bExponent) = _unpack(b);
            return _round(sign, aSignificand * bSignificand, aExponent + bExponent);
        }
    }

    /// @notice f32(a / b).
    function div(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 sign = (a ^ b) & SIGN;
            a &= MAGNITUDE;
            b &= MAGNITUDE;
            if (a > INFINITY || b > INFINITY) return NAN;
            if (a == INFINITY) return b == INFINITY ? NAN : sign | INFINITY;
            if (b == INFINITY) return sign;
            if (b == 0) return a == 0 ? NAN : sign | INFINITY;
            (uint256 aSignificand, int256 aExponent) = _unpack(a);
            (uint256 bSignificand, int256 bExponent) = _unpack(b);
            // At least 64 - 24 quotient bits more than are kept; the remainder goes into the last of them.
            aSignificand <<= 64;
            uint256 quotient = aSignificand / bSignificand;
            if (quotient * bSignificand != aSignificand) quotient |= 1;
            return _round(sign, quotient, aExponent - bExponent - 64);
        }
    }

    /// @notice f32(square root of a).
    function sqrt(uint256 a) internal pure returns (uint256) {
        unchecked {
            // Zeros of either sign, infinity and NaN stay as they are.
            if (a & MAGNITUDE == 0 || a == INFINITY) return a;
            if (a > INFINITY) return NAN;
            (uint256 significand, int256 exponent) = _unpack(a);
            // The root of a number of 65 to 89 bits has 33 to 45: at least 9 more than are kept. The scale's exponent has to be even.
            int256 shift = 64 + (exponent & 1);
            significand <<= uint256(shift);
            uint256 root = Math.sqrt(significand);
            // One bit more for what the root leaves over. It never ends in a tie: the square of 25 bits would not fit into 24.
            root = 2 * root + (root * root == significand ? 0 : 1);
            return _round(0, root, (exponent - shift) / 2 - 1);
        }
    }

    /// @notice The largest integer not above a.
    function floor(uint256 a) internal pure returns (uint256) {
        return _integer(a, a & SIGN != 0, false);
    }

    /// @notice The smallest integer not below a.
    function ceil(uint256 a) internal pure returns (uint256) {
        return _integer(a, a & SIGN == 0, false);
    }

    /// @notice RNE(a).
    function roundEven(uint256 a) internal pure returns (uint256) {
        return _integer(a, false, true);
    }

    /// @notice The larger; +0 where that is a zero, NaN if one is NaN.
    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        if (isNaN(a) || isNaN(b)) return NAN;
        int256 x = toOrdered(a);
        int256 y = toOrdered(b);
        return fromOrdered(x > y ? x : y);
    }

    /// @notice The smaller; +0 where that is a zero, NaN if one is NaN.
    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        if (isNaN(a) || isNaN(b)) return NAN;
        int256 x = toOrdered(a);
        int256 y = toOrdered(b);
        return fromOrdered(x < y ? x : y);
    }

    /// @notice Whether a < b: zeros are equal, a NaN is not less than anything nor anything than it.
    function lessThan(uint256 a, uint256 b) internal pure returns (bool) {
        return !isNaN(a) && !isNaN(b) && toOrdered(a) < toOrdered(b);
    }

    /// @notice Whether a = b: zeros are equal, a NaN equals nothing.
    function equal(uint256 a, uint256 b) internal pure returns (bool) {
        return !isNaN(a) && !isNaN(b) && toOrdered(a) == toOrdered(b);
    }

    /// @notice a with its sign bit cleared.
    function abs(uint256 a) internal pure returns (uint256) {
        return isNaN(a) ? NAN : a & MAGNITUDE;
    }

    /// @notice a truncated towards zero, clamped to int32; 0 for a NaN.
    function toInt32(uint256 a) internal pure returns (int256) {
        unchecked {
            uint256 magnitude = a & MAGNITUDE;
            if (magnitude > INFINITY) return 0;
            bool negative = a & SIGN != 0;
            // 0x4f000000 is 2^31
            if (magnitude >= 0x4f000000) return negative ? int256(type(int32).min) : int256(type(int32).max);
            (uint256 significand, int256 exponent) = _unpack(magnitude);
            int256 truncated =
                int256(exponent < 0 ? significand >> uint256(-exponent) : significand << uint256(exponent));
            return negative ? -truncated : truncated;
        }
    }

    /// @notice A number in the order of the values: the magnitude's bits with the sign. Both zeros give 0. Not for a NaN.
    function toOrdered(uint256 a) internal pure returns (int256 ordered) {
        assembly ("memory-safe") {
            let negative := sub(0, shr(31, a))
            ordered := sub(xor(and(a, 0x7fffffff), negative), negative)
        }
    }

    /// @notice The f32 that `toOrdered` gives; +0 for 0.
    function fromOrdered(int256 ordered) internal pure returns (uint256) {
        unchecked {
            return ordered < 0 ? SIGN | uint256(-ordered) : uint256(ordered);
        }
    }

    /// @notice f32(a) of an int64.
    function fromInt64(int256 a) internal pure returns (uint256) {
        unchecked {
            return a < 0 ? _round(SIGN, uint256(-a), 0) : _round(0, uint256(a), 0);
        }
    }

    /// @notice RNE(clamp(a, lowest - zero, highest - zero)) + zero; a NaN gives zero.
    /// @dev The limits are integers below 512 in magnitude, so that clamping after rounding is the same.
    function quantise(uint256 a, int256 zero, int256 lowest, int256 highest) internal pure returns (int256) {
        unchecked {
            uint256 magnitude = a & MAGNITUDE;
            if (magnitude > INFINITY) return zero;
            bool negative = a & SIGN != 0;
            // 0x44000000 is 512
            if (magnitude >= 0x44000000) return negative ? lowest : highest;
            (uint256 significand, int256 exponent) = _unpack(magnitude);
            // magnitude < 512 = 2^9, so the exponent of the last place is at most 9 - 24
            int256 rounded = int256(_shiftRightEven(significand, uint256(-exponent)));
            int256 value = (negative ? -rounded : rounded) + zero;
            return value < lowest ? lowest : value > highest ? highest : value;
        }
    }

    /// @dev One of the two integers next to a, with a's sign where it is zero.
    /// @param away Of what is between them take that away from zero, else that towards zero.
    /// @param nearest Take the nearest, ties to even.
    function _integer(uint256 a, bool away, bool nearest) private pure returns (uint256) {
        unchecked {
            uint256 magnitude = a & MAGNITUDE;
            if (magnitude > INFINITY) return NAN;
            // From 2^23 (0x4b000000) on there are only integers.
            if (magnitude >= 0x4b000000) return a;
            (uint256 significand, int256 exponent) = _unpack(magnitude);
            uint256 shift = uint256(-exponent);
            uint256 integer = nearest ? _shiftRightEven(significand, shift) : significand >> shift;
            if (away && integer << shift != significand) ++integer;
            return _round(a & SIGN, integer, 0);
        }
    }

    /// @dev A finite magnitude is significand * 2^exponent. The sign bit is ignored.
    function _unpack(uint256 a) private pure returns (uint256 significand, int256 exponent) {
        unchecked {
            uint256 biased = (a >> 23) & 0xff;
            significand = a & 0x7fffff;
            exponent = LOWEST;
            if (biased != 0) {
                significand |= 0x800000;
                exponent += int256(biased) - 1;
            }
        }
    }

    /// @dev significand * 2^exponent, rounded once. The significand is below 2^128.
    function _round(uint256 sign, uint256 significand, int256 exponent) private pure returns (uint256) {
        unchecked {
            if (significand == 0) return sign;
            // exponent of the result's last place: 24 bits are kept, fewer at the lower end
            int256 last = exponent + int256(_log2(significand)) - 23;
            if (last < LOWEST) last = LOWEST;
            significand = last <= exponent
                ? significand << uint256(exponent - last)
                : _shiftRightEven(significand, uint256(last - exponent));
            // A normal number's leading bit adds the missing one to the exponent, and so does a carry out of rounding.
            uint256 packed = (uint256(last - LOWEST) << 23) + significand;
            return sign | (packed > INFINITY ? INFINITY : packed);
        }
    }

    /// @dev a / 2^shift, ties to even, for a below 2^128.
    function _shiftRightEven(uint256 a, uint256 shift) private pure returns (uint256 result) {
        unchecked {
            if (shift == 0) return a;
            if (shift > 200) return 0;
            // Half of the last place less one, and that one more where the last place is odd: what reaches half carries.
            result = (a + ((uint256(1) << (shift - 1)) - 1) + ((a >> shift) & 1)) >> shift;
        }
    }

    /// @dev Number of the highest set bit, for 0 < a < 2^128.
    function _log2(uint256 a) private pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := shl(6, lt(0xffffffffffffffff, a))
            result := or(result, shl(5, lt(0xffffffff, shr(result, a))))
            result := or(result, shl(4, lt(0xffff, shr(result, a))))
            result := or(result, shl(3, lt(0xff, shr(result, a))))
            result := or(result, shl(2, lt(0xf, shr(result, a))))
            result := or(result, shl(1, lt(3, shr(result, a))))
            result := or(result, lt(1, shr(result, a)))
        }
    }
}
