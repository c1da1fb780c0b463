import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { larger, smaller } from "../../../engine/src/program/bigint-order.ts";
import { DTYPES, type Dtype, type Instruction } from "../../../engine/src/program/instruction.ts";
import { BOUNDARIES, randomBits, toBits, toFloat } from "../support/float32.ts";
import { type Harness, startHarness, tensorBytes } from "../support/harness.ts";
import { elementsOf, inputOperand, operation, storedBits } from "../support/instructions.ts";
import { INTEGERS } from "../support/integers.ts";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../support/random.ts";

type Reduction = "sum" | "max" | "min";
const ALL = Object.keys(DTYPES) as Dtype[];

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

/** Elements of one kind: the ends of the range alone, so that sums are as large as they get, or anything. */
function randomTensor(random: Random, dtype: Dtype, elements: number): Uint8Array {
  const bytes = DTYPES[dtype].bytes;
  switch (random.int(0, 3)) {
    case 0:
      return new Uint8Array(elements * bytes).fill(random.pick([0x00, 0x7f, 0x80, 0xff]));
    case 1:
      return random.bytes(elements * bytes);
    case 2: {
      const few = dtype === "f32" ? BOUNDARIES : INTEGERS;
      return tensorBytes(
        dtype,
        Array.from({ length: elements }, () => random.pick<number | bigint>(few)),
      );
    }
    default:
      return dtype === "f32"
        ? tensorBytes(
            dtype,
            Array.from({ length: elements }, () => randomBits(random)),
          )
        : tensorBytes(
            dtype,
            Array.from({ length: elements }, () => BigInt(random.int(-100, 100))),
          );
  }
}

/** The extreme f32, by doubles. */
function extreme(reduction: "max" | "min", bits: readonly bigint[]): bigint {
  let best = reduction === "max" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  for (const value of bits) best = Math[reduction](best, toFloat(Number(value)));
  return BigInt(toBits(best === 0 ? 0 : best));
}

/** docs/exact-profile.md, section 3, over the elements in bounds. */
function reference(
  reduction: Reduction,
  dtype: Dtype,
  elements: readonly bigint[],
  zero: bigint,
): bigint | null {
  if (reduction === "sum") {
    const sum = elements.reduce((total, element) => total + element - zero, 0n);
    return BigInt.asIntN(dtype === "i64" ? 64 : 32, sum);
  }
  if (elements.length === 0) return null;
  if (dtype === "f32") return extreme(reduction, elements);
  return elements.reduce(reduction === "max" ? larger : smaller);
}

interface Run {
  readonly reduction: Reduction;
  readonly dtype: Dtype;
  readonly length: number;
  readonly stride: number;
  readonly zero: number;
  /** Positions cut off at both ends by a bound; `length` or more cuts off all. */
  readonly cut: number;
}

/** One reduction over one run; elements stand at flat indices 3, 3 + stride, ... or down to 3. */
async function check(random: Random, run: Run) {
  const { reduction, dtype, length, stride, zero, cut } = run;
  const span = Math.abs(stride) * (length - 1);
  const elements = span + 7;
  const first = stride < 0 ? 3 + span : 3;
  const bytes = randomTensor(random, dtype, elements);
  const instruction: Instruction = {
    accumulate: reduction,
    outDtype: dtype === "f32" ? "f32" : "i64",
    outDims: [1],
    reduceDims: [length],
    aZero: zero,
    bZero: 0,
    operands: [
      inputOperand(dtype, 0, elements, {
        map: { offset: first, out: [0], reduce: [stride] },
        bounds: [{ limit: Math.max(0, length - 2 * cut), offset: -cut, out: [0], reduce: [1] }],
      }),
    ],
    expression: [operation("acc")],
  };
  const all = elementsOf(dtype, bytes);
  const read = Array.from({ length: Math.max(0, length - 2 * cut) }, (_, i) => {
    return all[first + stride * (cut + i)] as bigint;
  });
  const expected = reference(reduction, dtype, read, BigInt(zero));
  const { values } = await harness.evaluate(instruction, [bytes]);
  const what = `seed ${random.seed}: ${JSON.stringify(run)}, bytes ${Buffer.from(bytes.subarray(0, 64)).toString("hex")}`;
  expect(values, what).toEqual([expected === null ? null : storedBits(instruction.outDtype, expected)]);
}

describe.each(["sum", "max", "min"] as const)("%s", (reduction) => {
  const dtypes = ALL.filter((dtype) => reduction !== "sum" || dtype !== "f32");

  it.each(dtypes)(
    "over %s agrees with its definition for every short run and at the kernels' edges",
    async (dtype) => {
      const random = randomFrom(fuzzSeed());
      const width = DTYPES[dtype].bytes;
      // Words, and the chunks after which the word-wise kernels extract their sums.
      const edges = [32, 64, 4096, 8192].flatMap((bytes) => [
        bytes / width - 1,
        bytes / width,
        bytes / width + 1,
      ]);
      for (const length of [...Array(20).keys()].map((i) => i + 1).concat(edges)) {
        for (const stride of [1, -1]) {
          const zero = reduction === "sum" ? random.pick([0, 1, 128, -(2 ** 31), 2 ** 31 - 1]) : 0;
          await check(random, { reduction, dtype, length, stride, zero, cut: 0 });
        }
      }
    },
  );

  it.each(dtypes)("over %s agrees with its definition on random runs, padded or not", async (dtype) => {
    const random = randomFrom(fuzzSeed());
    for (let run = fuzzCount(60); run > 0; run--) {
      await check(random, {
        reduction,
        dtype,
        length: random.int(1, 90),
        stride: random.pick([-40, -3, -2, -1, 0, 1, 2, 3, 40]),
        zero: reduction === "sum" ? random.int(-300, 300) : 0,
        cut: random.chance(0.5) ? 0 : random.int(1, 50),
      });
    }
  });

  it("over several dimensions, with windows that overlap the edge, agrees with its definition", async () => {
    const random = randomFrom(fuzzSeed());
    for (let run = fuzzCount(40); run > 0; run--) {
      const dtype = random.pick(dtypes);
      const [height, width, channels] = [random.int(2, 6), random.int(2, 6), random.int(1, 3)];
      const [rows, columns] = [random.int(1, 3), random.int(1, 3)];
      const pad = random.int(0, 1);
      const elements = height * width * channels;
      const instruction: Instruction = {
        accumulate: reduction,
        outDtype: dtype === "f32" ? "f32" : "i64",
        outDims: [height, width],
        reduceDims: [rows, columns, channels],
        aZero: 0,
        bZero: 0,
        operands: [
          inputOperand(dtype, 0, elements, {
            map: {
              offset: -pad * (width + 1) * channels,
              out: [width * channels, channels],
              reduce: [width * channels, channels, 1],
            },
            bounds: [
              { limit: height, offset: -pad, out: [1, 0], reduce: [1, 0, 0] },
              { limit: width, offset: -pad, out: [0, 1], reduce: [0, 1, 0] },
            ],
          }),
        ],
        expression: [operation("acc")],
      };
      const bytes = randomTensor(random, dtype, elements);
      const all = elementsOf(dtype, bytes);
      const outputs = Array.from({ length: height * width }, (_, i) => i);
      const { values } = await harness.evaluate(instruction, [bytes], outputs);
      const expected = outputs.map((output) => {
        const read = all.filter((_, flat) => {
          const y = Math.floor(flat / channels / width) - Math.floor(output / width) + pad;
          const x = (Math.floor(flat / channels) % width) - (output % width) + pad;
          return y >= 0 && y < rows && x >= 0 && x < columns;
        });
        const value = reference(reduction, dtype, read, 0n);
        return value === null ? null : storedBits(instruction.outDtype, value);
      });
      expect(values, `seed ${random.seed}, ${runText(run, instruction)}`).toEqual(expected);
    }
  });
});

const runText = (run: number, instruction: Instruction) => `run ${run}: ${JSON.stringify(instruction)}`;

describe("maxima and minima of f32", () => {
  it("take a NaN and zeros of either sign for +0, and infinities as they are", async () => {
    const cases: [number[], max: number, min: number][] = [
      [[0x80000000], 0, 0],
      [[0x7fc00000], 0, 0],
      [[0xff800001, 0x80000001], 0, 0x80000001],
      [[0x7fffffff, 0x00000001], 0x00000001, 0],
      [[0xff800000, 0x7f800000], 0x7f800000, 0xff800000],
      [[0x3f800000, 0x3f7fffff], 0x3f800000, 0x3f7fffff],
      [[0xbf800000, 0xbf7fffff], 0xbf7fffff, 0xbf800000],
      [[0x807fffff, 0x80800000], 0x807fffff, 0x80800000],
    ];
    for (const [bits, max, min] of cases) {
      for (const [accumulate, expected] of [
        ["max", max],
        ["min", min],
      ] as const) {
        const instruction: Instruction = {
          accumulate,
          outDtype: "f32",
          outDims: [1],
          reduceDims: [bits.length],
          aZero: 0,
          bZero: 0,
          operands: [inputOperand("f32", 0, bits.length, { map: { offset: 0, out: [0], reduce: [1] } })],
          expression: [operation("acc")],
        };
        const { values } = await harness.evaluate(instruction, [tensorBytes("f32", bits)]);
        expect(values).toEqual([BigInt(expected)]);
      }
    }
  });
});
