import type { Instruction } from "../program/instruction.ts";
import { INT32, valueRanges, within } from "../program/value-ranges.ts";

/**
 * The values of one operation for the elements of a block: f32 in a Float32Array, whose stores round; ints that are proven to be int32 in an
 * Int32Array, whose stores wrap; other ints in a BigInt64Array.
 */
export type Values = Int32Array | BigInt64Array | Float32Array;

/** An array for every operation of the expression, `size` values each. */
export function blockValues(instruction: Instruction, size: number): Values[] {
  return valueRanges(instruction).map((range) => {
    if (range === null) return new Float32Array(size);
    return within(range, INT32) ? new Int32Array(size) : new BigInt64Array(size);
  });
}

/**
 * Ints of a block as pairs of 32-bit words, the low one first, in two's complement: 64-bit arithmetic on them is several times faster than on
 * bigints. Hosts are little-endian.
 */
export interface Words {
  readonly words: Int32Array;
  /** Brings the words up to the first `count` values. */
  load(count: number): void;
  /** Brings the first `count` values up to the words. */
  store(count: number): void;
}

/** The values themselves where they have 64 bits, else words beside them. */
export function wordsOf(values: Int32Array | BigInt64Array): Words {
  if (values instanceof BigInt64Array) {
    const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    return { words, load: () => {}, store: () => {} };
  }
  const words = new Int32Array(2 * values.length);
  return {
    words,
    load: (count) => {
      for (let i = 0; i < count; i++) {
        const value = values[i] as number;
        words[2 * i] = value;
        words[2 * i + 1] = value >> 31;
      }
    },
    store: (count) => {
      for (let i = 0; i < count; i++) values[i] = words[2 * i] as number;
    },
  };
}

/** Two words as a double: exact while the high one is within 21 bits and a sign, otherwise rounded. */
export function doubleFromWords(low: number, high: number): number {
  return high * 2 ** 32 + (low >>> 0);
}
