import type { TypedTensor } from "./typed-tensor.ts";

/** Zero-corrected integers, or those of a sum or extremum that needs no correction. */
export type NarrowInts = Int16Array | Int32Array;

/** Folds elements into a total. One that looks at one operand alone ignores y, b, sb and bs. */
export interface Reducer<Elements extends TypedTensor | NarrowInts, Total> {
  /** The total of no elements. */
  readonly empty: Total;
  /** Takes in `length` elements from flat indices a and b on, with steps sa and sb. */
  run(
    total: Total,
    x: Elements,
    a: number,
    sa: number,
    y: Elements,
    b: number,
    sb: number,
    length: number,
  ): Total;
  /** The same over a table of offsets from a and b. */
  scatter(
    total: Total,
    x: Elements,
    a: number,
    as: Int32Array,
    y: Elements,
    b: number,
    bs: Int32Array,
  ): Total;
}

// Each has its own loops: they stay fast while they see no more than two types of array. Indices are below 2^31, which |0 tells the compiler.

/** Four sums at a time: they do not wait for each other, which takes half the time. */
function contiguousDot(
  total: number,
  x: NarrowInts,
  a: number,
  y: NarrowInts,
  b: number,
  length: number,
): number {
  const shift = (b - a) | 0;
  const end = (a + length) | 0;
  let [second, third, fourth] = [0, 0, 0];
  let i = a;
  for (; i < end - 3; i = (i + 4) | 0) {
    const j = (i + shift) | 0;
    total = (total + Math.imul(x[i] as number, y[j] as number)) | 0;
    second = (second + Math.imul(x[i + 1] as number, y[j + 1] as number)) | 0;
    third = (third + Math.imul(x[i + 2] as number, y[j + 2] as number)) | 0;
    fourth = (fourth + Math.imul(x[i + 3] as number, y[j + 3] as number)) | 0;
  }
  for (; i < end; i = (i + 1) | 0) {
    total = (total + Math.imul(x[i] as number, y[(i + shift) | 0] as number)) | 0;
  }
  return (total + second + third + fourth) | 0;
}

/** wrap32 of the sum of products. */
export const DOT: Reducer<NarrowInts, number> = {
  empty: 0,
  run: (total, x, a, sa, y, b, sb, length) => {
    if (sa === 1 && sb === 1) {
      return contiguousDot(total, x, a | 0, y, b | 0, length | 0);
    }
    for (let i = 0; i < length; i++) {
      total = (total + Math.imul(x[a] as number, y[b] as number)) | 0;
      a = (a + sa) | 0;
      b = (b + sb) | 0;
    }
    return total;
  },
  scatter: (total, x, a, as, y, b, bs) => {
    for (let i = 0; i < as.length; i++) {
      const product = Math.imul(
        x[(a + (as[i] as number)) | 0] as number,
        y[(b + (bs[i] as number)) | 0] as number,
      );
      total = (total + product) | 0;
    }
    return total;
  },
};

/** wrap32 of the sum. */
export const SUM: Reducer<NarrowInts, number> = {
  empty: 0,
  run: (total, x, a, sa, _y, _b, _sb, length) => {
    if (sa === 1) {
      const end = a + length;
      for (let i = a; i < end; i++) total = (total + (x[i] as number)) | 0;
      return total;
    }
    for (let i = 0; i < length; i++) {
      total = (total + (x[a] as number)) | 0;
      a = (a + sa) | 0;
    }
    return total;
  },
  scatter: (total, x, a, as) => {
    for (let i = 0; i < as.length; i++) total = (total + (x[(a + (as[i] as number)) | 0] as number)) | 0;
    return total;
  },
};

/** wrap64 of the sum of int64 elements less a zero point each. */
export function wideSum(zero: bigint): Reducer<BigInt64Array, bigint> {
  return {
    empty: 0n,
    run: (total, x, a, sa, _y, _b, _sb, length) => {
      total = BigInt.asIntN(64, total - zero * BigInt(length));
      for (let i = 0; i < length; i++) {
        total = BigInt.asIntN(64, total + (x[a] as bigint));
        a = (a + sa) | 0;
      }
      return total;
    },
    scatter: (total, x, a, as) => {
      total = BigInt.asIntN(64, total - zero * BigInt(as.length));
      for (let i = 0; i < as.length; i++) {
        total = BigInt.asIntN(64, total + (x[(a + (as[i] as number)) | 0] as bigint));
      }
      return total;
    },
  };
}

export const MAX: Reducer<NarrowInts, number> = {
  empty: -(2 ** 31),
  run: (total, x, a, sa, _y, _b, _sb, length) => {
    for (let i = 0; i < length; i++) {
      const value = x[a] as number;
      if (value > total) total = value;
      a = (a + sa) | 0;
    }
    return total;
  },
  scatter: (total, x, a, as) => {
    for (let i = 0; i < as.length; i++) {
      const value = x[(a + (as[i] as number)) | 0] as number;
      if (value > total) total = value;
    }
    return total;
  },
};

export const MIN: Reducer<NarrowInts, number> = {
  empty: 2 ** 31 - 1,
  run: (total, x, a, sa, _y, _b, _sb, length) => {
    for (let i = 0; i < length; i++) {
      const value = x[a] as number;
      if (value < total) total = value;
      a = (a + sa) | 0;
    }
    return total;
  },
  scatter: (total, x, a, as) => {
    for (let i = 0; i < as.length; i++) {
      const value = x[(a + (as[i] as number)) | 0] as number;
      if (value < total) total = value;
    }
    return total;
  },
};

/** The largest f32, a NaN counting as 0; a zero may come out with either sign. */
export const FLOAT_MAX: Reducer<Float32Array, number> = {
  empty: Number.NEGATIVE_INFINITY,
  run: (total, x, a, sa, _y, _b, _sb, length) => {
    for (let i = 0; i < length; i++) {
      const value = orZero(x[a] as number);
      if (value > total) total = value;
      a = (a + sa) | 0;
    }
    return total;
  },
  scatter: (total, x, a, as) => {
    for (let i = 0; i < as.length; i++) {
      const value = orZero(x[(a + (as[i] as number)) | 0] as number);
      if (value > total) total = value;
    }
    return total;
  },
};

/** The smallest f32, by the same rules. */
export const FLOAT_MIN: Reducer<Float32Array, number> = {
  empty: Number.POSITIVE_INFINITY,
  run: (total, x, a, sa, _y, _b, _sb, length) => {
    for (let i = 0; i < length; i++) {
      const value = orZero(x[a] as number);
      if (value < total) total = value;
      a = (a + sa) | 0;
    }
    return total;
  },
  scatter: (total, x, a, as) => {
    for (let i = 0; i < as.length; i++) {
      const value = orZero(x[(a + (as[i] as number)) | 0] as number);
      if (value < total) total = value;
    }
    return total;
  },
};

/** The largest or smallest int64. */
export function wideExtremum(accumulate: "max" | "min"): Reducer<BigInt64Array, bigint> {
  const empty = accumulate === "max" ? -(2n ** 63n) : 2n ** 63n - 1n;
  const run: Reducer<BigInt64Array, bigint>["run"] = (total, x, a, sa, _y, _b, _sb, length) => {
    for (let i = 0; i < length; i++) {
      const value = x[a] as bigint;
      if (accumulate === "max" ? value > total : value < total) total = value;
      a = (a + sa) | 0;
    }
    return total;
  };
  return {
    empty,
    run,
    scatter: (total, x, a, as) => {
      for (const offset of as) total = run(total, x, a + offset, 0, x, 0, 0, 1);
      return total;
    },
  };
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
