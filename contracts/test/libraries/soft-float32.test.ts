import { bytesToHex, type Hex, hexToBytes } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Network, startNetwork } from "../support/network.ts";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../support/random.ts";

const CODES = {
  tofloat: 0x20,
  fadd: 0x21,
  fsub: 0x22,
  fmul: 0x23,
  fdiv: 0x24,
  quantise_u8: 0x30,
  quantise_i8: 0x31,
};
type Code = keyof typeof CODES;
type Case = readonly [code: Code, a: number, b: number];

/** Zeros, smallest and largest of each class, powers of two around the edges, ties, infinities, NaNs. */
const BOUNDARIES = [
  0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x007ffffe, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff,
  0x01000000, 0x0c000000, 0x33800000, 0x33800001, 0x337fffff, 0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff,
  0x3f800000, 0x3f800001, 0x3fc00000, 0x3fffffff, 0x40000000, 0x40200000, 0x40400000, 0x42fe0000, 0x42ff0000,
  0x437f0000, 0x437e8000, 0x437f8000, 0x43800000, 0x43ffffff, 0x44000000, 0x4b000000, 0x4b000001, 0x4b7fffff,
  0x4b800000, 0x4f000000, 0x7effffff, 0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000,
  0x7fffffff,
].flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]);

const words = new DataView(new ArrayBuffer(4));
function toFloat(bits: number): number {
  words.setUint32(0, bits);
  return words.getFloat32(0);
}
function toBits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc00000;
  words.setFloat32(0, value);
  return words.getUint32(0);
}

/** The processor's answer: a double holds every f32 operation's result precisely enough to be rounded again (Figueroa 1995). */
function reference([code, a, b]: Case): number {
  const x = toFloat(a);
  const y = toFloat(b);
  switch (code) {
    case "tofloat":
      return toBits(a | 0);
    case "fadd":
      return toBits(Math.fround(x + y));
    case "fsub":
      return toBits(Math.fround(x - y));
    case "fmul":
      return toBits(Math.fround(x * y));
    case "fdiv":
      return toBits(Math.fround(x / y));
    default: {
      const zero = b | 0;
      const [low, high] = code === "quantise_u8" ? [0, 255] : [-128, 127];
      if (Number.isNaN(x)) return zero >>> 0;
      const clamped = Math.min(Math.max(x, low - zero), high - zero);
      const floor = Math.floor(clamped);
      const rest = clamped - floor;
      const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
      return (floor + (up ? 1 : 0) + zero) >>> 0;
    }
  }
}

function randomBits(random: Random): number {
  switch (random.int(0, 5)) {
    case 0:
      return random.pick(BOUNDARIES);
    case 1: // near a boundary
      return (random.pick(BOUNDARIES) + random.int(-3, 3)) >>> 0;
    case 2: // few significant bits: ties
      return (random.bits() & 0xffff0000) >>> 0;
    case 3: // near 1, or denormal
      return random.chance(0.5)
        ? (0x3f800000 + random.int(-(2 ** 24), 2 ** 24)) >>> 0
        : random.int(0, 0x00ffffff);
    default:
      return random.bits();
  }
}

function randomCase(random: Random): Case {
  const code = random.pick(Object.keys(CODES) as Code[]);
  const a = randomBits(random);
  if (code === "tofloat") {
    return [
      code,
      random.chance(0.3)
        ? (random.pick([0, 1, 2 ** 24, 2 ** 25, 2 ** 31, 2 ** 32]) + random.int(-5, 5)) >>> 0
        : random.bits() >>> random.int(0, 31),
      0,
    ];
  }
  if (code === "quantise_u8" || code === "quantise_i8") {
    const zero = code === "quantise_u8" ? random.int(0, 255) : random.int(-128, 127);
    // halves within and just beyond the range, or anything
    const x = random.chance(0.7) ? toBits(random.int(-600, 600) / 2) : a;
    return [code, random.chance(0.3) ? (x + random.int(-1, 1)) >>> 0 : x, zero >>> 0];
  }
  // cancellations: b close to a or -a
  const b = random.chance(0.2)
    ? ((a ^ random.pick([0, 0x80000000])) + random.int(-2, 2)) >>> 0
    : randomBits(random);
  return [code, a, b];
}

describe("SoftFloat32", () => {
  let network: Network;
  let compute: (cases: readonly Case[]) => Promise<number[]>;

  beforeAll(async () => {
    network = await startNetwork();
    const harness = await network.deploy("test-harness/RefereeHarness.sol");
    compute = async (cases) => {
      const packed = new DataView(new ArrayBuffer(9 * cases.length));
      for (const [i, [code, a, b]] of cases.entries()) {
        packed.setUint8(9 * i, CODES[code]);
        packed.setUint32(9 * i + 1, a);
        packed.setUint32(9 * i + 5, b);
      }
      const result = (await network.publicClient.readContract({
        ...harness,
        functionName: "floats",
        args: [bytesToHex(new Uint8Array(packed.buffer))],
      })) as Hex;
      const view = new DataView(hexToBytes(result).buffer);
      return cases.map((_, i) => view.getUint32(4 * i));
    };
  });
  afterAll(() => network.close());

  async function check(cases: readonly Case[], seed: string) {
    for (let from = 0; from < cases.length; from += 4000) {
      const part = cases.slice(from, from + 4000);
      const results = await compute(part);
      for (const [i, one] of part.entries()) {
        if (results[i] !== reference(one)) {
          const hex = (value: number | undefined) => `0x${(value ?? 0).toString(16).padStart(8, "0")}`;
          expect.fail(
            `${seed}: ${one[0]}(${hex(one[1])}, ${hex(one[2])}) is ${hex(results[i])}, not ${hex(reference(one))}`,
          );
        }
      }
    }
  }

  it("agrees with the processor on every pair of boundary values", async () => {
    for (const code of ["fadd", "fsub", "fmul", "fdiv"] as const) {
      await check(
        BOUNDARIES.flatMap((a) => BOUNDARIES.map((b): Case => [code, a, b])),
        "boundaries",
      );
    }
  });

  it("quantises every half and its neighbours for every zero point at the edges", async () => {
    const cases: Case[] = [];
    for (const [code, zeros] of [
      ["quantise_u8", [0, 1, 127, 128, 254, 255]],
      ["quantise_i8", [-128, -127, -1, 0, 1, 126, 127]],
    ] as const) {
      for (const zero of zeros) {
        for (let half = -530; half <= 530; half++) {
          const bits = toBits(half / 2);
          for (const near of [bits - 1, bits, bits + 1]) cases.push([code, near >>> 0, zero >>> 0]);
        }
        for (const bits of BOUNDARIES) cases.push([code, bits, zero >>> 0]);
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
