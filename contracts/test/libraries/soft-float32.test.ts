import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Opcode } from "../../../engine/src/program/instruction.ts";
import { BOUNDARIES, randomBits, toBits, toFloat } from "../support/float32.ts";
import { type Harness, type OperationCase, startHarness } from "../support/harness.ts";
import { INTEGERS, randomInteger } from "../support/integers.ts";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../support/random.ts";

/** The larger, or the smaller, of two numbers: +0 for a zero of either sign. */
const unsigned = (value: number) => (value === 0 ? 0 : value);

/** The processor's answers: a double holds every f32 operation's result precisely enough to be rounded again (Figueroa 1995). */
const BINARY = {
  fadd: (x, y) => toBits(Math.fround(x + y)),
  fsub: (x, y) => toBits(Math.fround(x - y)),
  fmul: (x, y) => toBits(Math.fround(x * y)),
  fdiv: (x, y) => toBits(Math.fround(x / y)),
  fmax: (x, y) => toBits(unsigned(Math.max(x, y))),
  fmin: (x, y) => toBits(unsigned(Math.min(x, y))),
  flt: (x, y) => (x < y ? 1 : 0),
  feq: (x, y) => (x === y ? 1 : 0),
} satisfies Partial<Record<Opcode, (x: number, y: number) => number>>;

const UNARY = {
  fsqrt: (x) => toBits(Math.fround(Math.sqrt(x))),
  ffloor: (x) => toBits(Math.floor(x)),
  fceil: (x) => toBits(Math.ceil(x)),
  fround: (x) => toBits(roundEven(x)),
  fabs: (x) => toBits(Math.abs(x)),
  toint: (x) => (Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)))),
} satisfies Partial<Record<Opcode, (x: number) => number>>;

const QUANTISE = { quantise_u8: [0, 255], quantise_i8: [-128, 127] } as const;

const keys = <Key extends string>(record: Readonly<Record<Key, unknown>>) => Object.keys(record) as Key[];

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  // Infinities leave no rest.
  if (!(rest > 0)) return x;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return rounded === 0 && x < 0 ? -0 : rounded;
}

/** f32 of an int64: what a double cannot hold is cut to 52 bits, of which the last tells whether anything was lost. */
function fromInt64(a: bigint): number {
  const magnitude = a < 0n ? -a : a;
  if (magnitude < 2n ** 52n) return Math.fround(Number(a));
  const sticky = (magnitude & 0xfffn) === 0n ? 0n : 1n;
  const rounded = Math.fround(Number((magnitude >> 12n) | sticky)) * 4096;
  return a < 0n ? -rounded : rounded;
}

function reference({ code, a, b }: OperationCase): bigint {
  if (code === "tofloat") return BigInt(toBits(fromInt64(a)));
  const x = toFloat(Number(a));
  if (code in BINARY) return BigInt(BINARY[code as keyof typeof BINARY](x, toFloat(Number(b))));
  if (code in UNARY) return BigInt.asUintN(64, BigInt(UNARY[code as keyof typeof UNARY](x)));
  const zero = Number(b);
  const [low, high] = QUANTISE[code as keyof typeof QUANTISE];
  const value = Number.isNaN(x) ? 0 : roundEven(Math.min(Math.max(x, low - zero), high - zero));
  return BigInt.asUintN(64, BigInt(value + zero));
}

function randomCase(random: Random): OperationCase {
  const code = random.pick([...keys(BINARY), ...keys(UNARY), ...keys(QUANTISE), "tofloat" as const]);
  if (code === "tofloat") return { code, a: randomInteger(random), b: 0n };
  const a = randomBits(random);
  if (code === "quantise_u8" || code === "quantise_i8") {
    const [low, high] = QUANTISE[code];
    // halves within and just beyond the range, or anything
    const x = random.chance(0.7) ? toBits(random.int(-600, 600) / 2) : a;
    const near = random.chance(0.3) ? (x + random.int(-1, 1)) >>> 0 : x;
    return { code, a: BigInt(near), b: BigInt(random.int(low, high)) };
  }
  if (code in UNARY) {
    // halves, squares and their neighbours, the end of int32, or anything
    const near = random.pick([random.int(-2000, 2000) / 2, random.int(0, 4095) ** 2, 2 ** 31, -(2 ** 31)]);
    const bits = random.chance(0.6) ? (toBits(near) + random.int(-1, 1)) >>> 0 : a;
    return { code, a: BigInt(bits), b: 0n };
  }
  // cancellations and near misses: b close to a or -a
  const b = random.chance(0.2)
    ? ((a ^ random.pick([0, 0x80000000])) + random.int(-2, 2)) >>> 0
    : randomBits(random);
  return { code, a: BigInt(a), b: BigInt(b) };
}

describe("SoftFloat32", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  async function check(cases: readonly OperationCase[], seed: string) {
    for (let from = 0; from < cases.length; from += 4000) {
      const part = cases.slice(from, from + 4000);
      const results = await harness.operations(part);
      for (const [i, one] of part.entries()) {
        if (results[i] !== reference(one)) {
          const { code, a, b } = one;
          const [x, y, actual, expected] = [a, b, results[i] as bigint, reference(one)].map(
            (value) => `0x${BigInt.asUintN(64, value).toString(16)}`,
          );
          expect.fail(`${seed}: ${code}(${x}, ${y}) is ${actual}, not ${expected}`);
        }
      }
    }
  }

  it.each(keys(BINARY))("%s agrees with the processor on every pair of boundary values", async (code) => {
    await check(
      BOUNDARIES.flatMap((a) => BOUNDARIES.map((b) => ({ code, a: BigInt(a), b: BigInt(b) }))),
      "boundaries",
    );
  });

  it("agrees with the processor on every boundary value and around every integer below 300", async () => {
    const integers = Array.from({ length: 1201 }, (_, i) => toBits((i - 600) / 2));
    const near = integers.flatMap((bits) => [bits, (bits + 1) >>> 0, bits === 0 ? 0x80000000 : bits - 1]);
    for (const code of keys(UNARY)) {
      await check(
        [...BOUNDARIES, ...near].map((a) => ({ code, a: BigInt(a), b: 0n })),
        "boundaries",
      );
    }
  });

  it("takes the root of every power of two and of every square of 12 bits", async () => {
    const powers = Array.from({ length: 277 }, (_, i) => toBits(2 ** (i - 149)));
    const squares = Array.from({ length: 4096 }, (_, i) => toBits(i ** 2));
    await check(
      [...powers, ...squares].map((bits) => ({ code: "fsqrt", a: BigInt(bits), b: 0n })),
      "powers and squares",
    );
  });

  it("converts integers up to the ends of int64, ties to even", async () => {
    await check(
      INTEGERS.map((a) => ({ code: "tofloat", a, b: 0n })),
      "integers",
    );
  });

  it("quantises every half and its neighbours for every zero point at the edges", async () => {
    const cases: OperationCase[] = [];
    for (const [code, zeros] of [
      ["quantise_u8", [0, 1, 127, 128, 254, 255]],
      ["quantise_i8", [-128, -127, -1, 0, 1, 126, 127]],
    ] as const) {
      for (const zero of zeros) {
        for (let half = -530; half <= 530; half++) {
          const bits = toBits(half / 2);
          for (const near of [bits - 1, bits, bits + 1]) {
            cases.push({ code, a: BigInt(near >>> 0), b: BigInt(zero) });
          }
        }
        for (const bits of BOUNDARIES) cases.push({ code, a: BigInt(bits), b: BigInt(zero) });
      }
    }
    await check(cases, "halves");
  });

  it("agrees with the processor on random values", async () => {
    const random = randomFrom(fuzzSeed());
    const count = fuzzCount(40_000);
    await check(
      Array.from({ length: count }, () => randomCase(random)),
      `seed ${random.seed}`,
    );
  });
});
