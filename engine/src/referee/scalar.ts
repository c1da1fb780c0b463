import { DTYPES, type Dtype } from "../program/instruction.ts";
import type { Value } from "./element-reader.ts";

/** The one bit pattern of NaN in a commitment. */
export const NAN_BITS = 0x7fc0_0000;

const word = new DataView(new ArrayBuffer(4));

/** The f32 behind a bit pattern, as a double that holds it exactly. */
export function floatFromBits(bits: number): number {
  word.setInt32(0, bits | 0);
  return word.getFloat32(0);
}

/** Bits of an f32 as an unsigned number; every NaN gives `NAN_BITS`. */
export function bitsFromFloat(value: number): number {
  if (Number.isNaN(value)) return NAN_BITS;
  word.setFloat32(0, value);
  return word.getUint32(0);
}

/**
 * f32 arithmetic: one double operation (+ - * / or the square root) rounded once more to f32 is the correctly rounded f32 operation, since
 * 53 >= 2 * 24 + 2: no result of the first rounding lands on a midpoint of f32 that the exact one is not on (Figueroa, "When is double
 * rounding innocuous?", SIGNUM 1995, theorems for all five; denormal results have fewer bits to round to, so the margin only grows).
 */
export const f32 = Math.fround;

/**
 * f32 of an int64, ties to even, with a single rounding. A double holds magnitudes up to 2^53; above, 16 low bits become one sticky bit,
 * which decides ties and nothing else as they lie far below f32's last place.
 */
export function floatFromInt(value: bigint): number {
  if (value >= -(2n ** 53n) && value <= 2n ** 53n) return f32(Number(value));
  const sticky = (value & 0xffffn) === 0n ? 0n : 1n;
  return f32(Number((value >> 16n) | sticky)) * 2 ** 16;
}

/** 1.5 * 2^52: adding it to a small double rounds that to an integer, ties to even. */
const INTEGER_GRID = 6755399441055744;

/**
 * RNE(clamp(a, least - zero, most - zero)) + zero; a NaN gives `zero`.
 *
 * @param a An f32.
 * @param zero An int within [least, most].
 */
export function quantise(a: number, zero: number, least: number, most: number): number {
  if (Number.isNaN(a)) return zero;
  const clamped = Math.min(Math.max(a, least - zero), most - zero);
  return clamped + INTEGER_GRID - INTEGER_GRID + zero;
}

/** From here on every f32 is an integer. */
const ALL_INTEGERS = 2 ** 23;

/** RNE(a) with the sign of a where that is zero; infinities and NaN stay. */
export function roundEven(a: number): number {
  if (!(Math.abs(a) < ALL_INTEGERS)) return a;
  const rounded = a + INTEGER_GRID - INTEGER_GRID;
  return rounded === 0 ? a * 0 : rounded;
}

/** The larger f32: +0 where that is zero of either sign, NaN if one is NaN. */
export function larger(a: number, b: number): number {
  return Math.max(a, b) + 0;
}

/** The smaller f32, by the same rules. */
export function smaller(a: number, b: number): number {
  return Math.min(a, b) + 0;
}

/** An f32 truncated towards zero, clamped to int32; a NaN gives 0. */
export function truncate(a: number): number {
  return Number.isNaN(a) ? 0 : Math.trunc(Math.min(Math.max(a, -(2 ** 31)), 2 ** 31 - 1)) | 0;
}

/** The element's bytes as a little-endian number of the dtype's width, without sign extension: what the referee calls `posted`. */
export function storedBits(value: Value, dtype: Dtype): bigint {
  return typeof value === "bigint"
    ? BigInt.asUintN(8 * DTYPES[dtype].bytes, value)
    : BigInt(bitsFromFloat(value));
}
