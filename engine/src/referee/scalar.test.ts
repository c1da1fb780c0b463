import { describe, expect, test } from "vitest";
import {
  bitsFromFloat,
  f32,
  floatFromBits,
  floatFromInt,
  larger,
  quantise,
  roundEven,
  smaller,
  storedBits,
  truncate,
} from "./scalar.ts";
import { seededRandom } from "./testing/random-instruction.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** A finite f32 as significand * 2^exponent, exactly. */
function parts(bits: number): { significand: bigint; exponent: number } {
  const field = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  const magnitude = field === 0 ? fraction : fraction | 0x800000;
  return { significand: BigInt(bits >>> 31 ? -magnitude : magnitude), exponent: Math.max(field, 1) - 150 };
}

/** Bits of the f32 nearest to numerator / denominator * 2^exponent, ties to even, in integers alone; not for 0. */
function nearest(numerator: bigint, denominator: bigint, exponent: number): number {
  const negative = numerator < 0n !== denominator < 0n;
  const top = numerator < 0n ? -numerator : numerator;
  const bottom = denominator < 0n ? -denominator : denominator;
  const length = top.toString(2).length - bottom.toString(2).length + exponent;
  // The unit in the last place is 2^unit; try the larger binade first.
  for (const guess of [length, length - 1]) {
    const unit = Math.max(guess - 23, -149);
    const shift = exponent - unit;
    const scaledTop = shift > 0 ? top << BigInt(shift) : top;
    const scaledBottom = shift > 0 ? bottom : bottom << BigInt(-shift);
    const floor = scaledTop / scaledBottom;
    if (guess === length && floor < 2n ** 23n && unit > -149) continue;
    const twice = 2n * (scaledTop - floor * scaledBottom);
    const up = twice > scaledBottom || (twice === scaledBottom && floor % 2n === 1n);
    const rounded = Number(up ? floor + 1n : floor);
    const value = rounded * 2 ** unit;
    const bits = value >= 2 ** 128 ? 0x7f800000 : bitsFromFloat(value);
    return (negative ? bits | 0x80000000 : bits) >>> 0;
  }
  throw new Error("unreachable");
}

/** The largest integer whose square is not above the value (Newton's method). */
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length / 2 + 1) | 0);
  while (true) {
    const next = (root + value / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

describe("f32 arithmetic in doubles", () => {
  test("is the correctly rounded operation, denormals included", () => {
    console.log(`seed ${SEED}`);
    const random = seededRandom(SEED);
    const finite = () => {
      const exponent = random.pick([
        0,
        0,
        1,
        2,
        23,
        64,
        100,
        126,
        127,
        128,
        150,
        190,
        253,
        254,
        random.int(0, 254),
      ]);
      const fraction = random.pick([
        0,
        1,
        0x7fffff,
        0x400000,
        random.int(0, 0x7fffff),
        random.int(0, 0x7fffff),
      ]);
      return ((random.int(0, 1) << 31) | (exponent << 23) | fraction) >>> 0;
    };
    let denormal = 0;
    for (let round = 0; round < 5_000; round++) {
      const [x, y] = [finite(), finite()];
      const [a, b] = [parts(x), parts(y)];
      if (a.significand === 0n || b.significand === 0n) continue;
      const [p, q] = [floatFromBits(x), floatFromBits(y)];
      const product = nearest(a.significand * b.significand, 1n, a.exponent + b.exponent);
      const quotient = nearest(a.significand, b.significand, a.exponent - b.exponent);
      const where = `seed ${SEED}: ${x.toString(16)}, ${y.toString(16)}`;
      expect(bitsFromFloat(f32(p * q)), `product, ${where}`).toBe(product);
      expect(bitsFromFloat(f32(p / q)), `quotient, ${where}`).toBe(quotient);
      const low = Math.min(a.exponent, b.exponent);
      const align = ({ significand, exponent }: typeof a) => significand << BigInt(exponent - low);
      for (const sign of [1n, -1n]) {
        const sum = align(a) + sign * align(b);
        const expected = sum === 0n ? 0 : nearest(sum, 1n, low);
        expect(bitsFromFloat(f32(p + Number(sign) * q)), `sum, ${where}`).toBe(expected);
      }
      if ((quotient & 0x7f800000) === 0) denormal++;
    }
    expect(denormal).toBeGreaterThan(20);
  });

  test("takes the correctly rounded square root, of denormals too", () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < 5_000; round++) {
      const exponent = random.pick([0, 0, 1, 126, 127, 128, 254, random.int(0, 254)]);
      const fraction = random.pick([0, 1, 2, 0x7fffff, 0x7ffffe, 0x400000, random.int(0, 0x7fffff)]);
      const bits = (exponent << 23) | fraction;
      const { significand, exponent: power } = parts(bits);
      if (significand === 0n) continue;
      // 2^60 and more times the significand under the root, of even exponent; what the integer root leaves becomes a sticky bit.
      const shift = power % 2 === 0 ? 60n : 61n;
      const under = significand << shift;
      const root = integerRoot(under);
      const sticky = root * root === under ? 0n : 1n;
      const due = nearest(root * 2n + sticky, 1n, (power - Number(shift)) / 2 - 1);
      const where = `seed ${SEED}: ${bits.toString(16)}`;
      expect(bitsFromFloat(f32(Math.sqrt(floatFromBits(bits)))), where).toBe(due);
    }
  });

  test("rounds an int64 once", () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < 5_000; round++) {
      const length = random.int(1, 63);
      let value =
        BigInt.asUintN(length, new DataView(random.bytes(8).buffer).getBigInt64(0)) |
        (1n << BigInt(length - 1));
      // Around a midpoint of two f32.
      if (length > 25 && random.int(0, 1) === 0) {
        const low = BigInt(length - 24);
        value = ((value >> low) << low) + (1n << (low - 1n)) + BigInt(random.int(-1, 1));
      }
      const signed = random.int(0, 1) === 0 ? value : -value;
      expect(bitsFromFloat(floatFromInt(signed)), `seed ${SEED}: ${signed}`).toBe(nearest(signed, 1n, 0));
    }
    expect(floatFromInt(-(2n ** 63n))).toBe(-(2 ** 63));
    expect(floatFromInt(2n ** 63n - 1n)).toBe(2 ** 63);
  });

  test("has one NaN", () => {
    expect(bitsFromFloat(f32(0 / 0))).toBe(0x7fc00000);
    expect(bitsFromFloat(floatFromBits(0xffc00001))).toBe(0x7fc00000);
    expect(bitsFromFloat(f32(1 / -0))).toBe(0xff800000);
  });
});

describe("quantise", () => {
  test.each([
    [0.5, 0, 0],
    [1.5, 0, 2],
    [2.5, 0, 2],
    [2.5, 3, 5],
    [-0.5, 10, 10],
    [-1.5, 10, 8],
    [254.5, 0, 254],
    [255.4, 0, 255],
    [-10.5, 10, 0],
    [Number.POSITIVE_INFINITY, 7, 255],
    [Number.NEGATIVE_INFINITY, 7, 0],
    [Number.NaN, 7, 7],
    [2 ** 100, 128, 255],
    [-0, 0, 0],
    [2 ** -149, 0, 0],
  ])("of %f with zero point %i to u8 is %i", (value, zero, expected) => {
    expect(quantise(value, zero, 0, 255)).toBe(expected);
  });

  test.each([
    [-128.5, 0, -128],
    [126.5, 0, 126],
    [127.5, 0, 127],
    [-300, 5, -128],
  ])("of %f with zero point %i to i8 is %i", (value, zero, expected) => {
    expect(quantise(value, zero, -128, 127)).toBe(expected);
  });
});

describe("roundEven", () => {
  test.each([
    [0.5, 0],
    [-0.5, -0],
    [-0.25, -0],
    [-0, -0],
    [1.5, 2],
    [2.5, 2],
    [-3.5, -4],
    [8388607.5, 8388608],
    [-16777215, -16777215],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
  ])("of %f is %f", (value, expected) => {
    expect(roundEven(value)).toBe(expected);
  });
});

describe("truncate", () => {
  test.each([
    [-0.75, 0],
    [2.9, 2],
    [-2.9, -2],
    [2147483520, 2147483520],
    [2 ** 31, 2 ** 31 - 1],
    [-(2 ** 31), -(2 ** 31)],
    [Number.NEGATIVE_INFINITY, -(2 ** 31)],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
    [Number.NaN, 0],
  ])("of %f is %i", (value, expected) => {
    expect(truncate(value)).toBe(expected);
  });
});

describe("larger and smaller", () => {
  test("never give -0, and give NaN if one is", () => {
    for (const [a, b] of [
      [-0, -0],
      [0, -0],
      [-0, 0],
    ] as const) {
      expect([larger(a, b), smaller(a, b)]).toEqual([0, 0]);
    }
    expect([larger(-1, -0), smaller(1, -0)]).toEqual([0, 0]);
    expect([larger(Number.NaN, 1), smaller(1, Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe("storedBits", () => {
  test("keeps the low bits and extends no sign", () => {
    expect(storedBits(-1n, "i8")).toBe(255n);
    expect(storedBits(256n, "u8")).toBe(0n);
    expect(storedBits(-1n, "i32")).toBe(0xffffffffn);
    expect(storedBits(-1n, "i64")).toBe(0xffffffffffffffffn);
    expect(storedBits(-0, "f32")).toBe(0x80000000n);
  });
});
