import { assertNever } from "@surety/protocol";
import type { Dtype } from "../program/instruction.ts";

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

/** f32 arithmetic: one double operation rounded once more to f32 is the correctly rounded f32 operation (2 * 24 + 2 <= 53; Figueroa 1995). */
export const f32 = Math.fround;

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

/** The element's bytes as a little-endian number of the dtype's width, without sign extension: what the referee calls `posted`. */
export function storedBits(value: number, dtype: Dtype): number {
  switch (dtype) {
    case "u8":
    case "i8":
      return value & 0xff;
    case "i32":
      return value >>> 0;
    case "f32":
      return bitsFromFloat(value);
    default:
      return assertNever(dtype);
  }
}
