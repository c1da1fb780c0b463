import { describe, expect, test } from "vitest";
import { flatIndexAt, unflatten } from "../referee/position.ts";
import { seededRandom } from "../referee/testing/random-instruction.ts";
import { isExactInDoubles, staysInside } from "./index-range.ts";
import type { Bound, Instruction, Operand } from "./instruction.ts";
import { extremumNeverEmpty } from "./max-coverage.ts";
import { validateProgram } from "./validate.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

interface Window {
  size: number;
  out: number;
  kernel: number;
  stride: number;
  dilation: number;
  pad: number;
  channels: number;
}

/** The image operand of a channels-last grouped convolution: out dims [y, x, group, m], reduce dims [ky, kx, c]. */
function image({ size, out, kernel, stride, dilation, pad, channels }: Window) {
  const groups = 2;
  const pixel = groups * channels;
  const axis = (dimension: 0 | 1): Bound => ({
    limit: size,
    offset: -pad,
    out: [0, 0, 0, 0].with(dimension, stride),
    reduce: [0, 0, 0].with(dimension, dilation),
  });
  const operand: Operand = {
    space: "input",
    dtype: "u8",
    index: 0,
    elements: size * size * pixel,
    map: {
      offset: -pad * size * pixel - pad * pixel,
      out: [stride * size * pixel, stride * pixel, channels, 0],
      reduce: [dilation * size * pixel, dilation * pixel, 1],
    },
    bounds: [axis(0), axis(1)],
  };
  return { operand, dims: [out, out, groups, 3, kernel, kernel, channels] };
}

const LOAD: Instruction = {
  accumulate: "none",
  outDtype: "u8",
  outDims: [4],
  reduceDims: [],
  aZero: 0,
  bZero: 0,
  operands: [
    {
      space: "input",
      dtype: "u8",
      index: 0,
      elements: 4,
      map: { offset: 0, out: [1], reduce: [] },
      bounds: [],
    },
  ],
  expression: [{ code: "load", a: 0, b: 0, imm: 0 }],
};
const [OPERAND] = LOAD.operands as [Operand];
const INPUTS = [{ dtype: "u8", elements: 4 }] as const;

/** A maximum over `kernel` elements with stride 1 from position o - pad on. */
function maximum(size: number, out: number, kernel: number, pad: number): Instruction {
  const map = { offset: -pad, out: [1], reduce: [1] };
  return {
    ...LOAD,
    accumulate: "max",
    outDims: [out],
    reduceDims: [kernel],
    operands: [{ ...OPERAND, elements: size, map, bounds: [{ limit: size, ...map }] }],
    expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
  };
}

describe("staysInside", () => {
  test.each<Window>([
    { size: 14, out: 14, kernel: 3, stride: 1, dilation: 1, pad: 1, channels: 8 },
    { size: 14, out: 7, kernel: 3, stride: 2, dilation: 1, pad: 1, channels: 8 },
    { size: 224, out: 112, kernel: 7, stride: 2, dilation: 1, pad: 3, channels: 3 },
    { size: 28, out: 28, kernel: 3, stride: 1, dilation: 4, pad: 4, channels: 1 },
    { size: 5, out: 9, kernel: 5, stride: 1, dilation: 2, pad: 6, channels: 2 },
  ])("proves a padded convolution, and not with one element less: %o", (window) => {
    const { operand, dims } = image(window);
    expect(staysInside(operand, dims)).toBe(true);
    expect(staysInside({ ...operand, elements: operand.elements - 1 }, dims)).toBe(false);
    expect(staysInside({ ...operand, map: { ...operand.map, offset: operand.map.offset - 1 } }, dims)).toBe(
      false,
    );
    expect(staysInside({ ...operand, bounds: operand.bounds.slice(1) }, dims)).toBe(false);
  });

  test("never proves what brute force refutes, and rarely misses what it confirms", () => {
    console.log(`seed ${SEED}`);
    const random = seededRandom(SEED);
    const seen = { proven: 0, refuted: 0, missed: 0 };
    for (let round = 0; round < 4000; round++) {
      const dims = Array.from({ length: random.int(1, 4) }, () => random.int(1, 4));
      const form = () => ({
        offset: random.int(-3, 3),
        out: dims.map(() => random.pick([0, 0, 1, 1, 2, 3, -1, -2])),
        reduce: [],
      });
      const bounds = Array.from({ length: random.int(0, 3) }, () => ({ limit: random.int(0, 6), ...form() }));
      const map = random.int(0, 1) === 0 || bounds.length === 0 ? form() : combine(bounds, random.int(1, 3));
      const operand: Operand = { ...OPERAND, elements: random.int(1, 14), map, bounds };
      const positions = dims.reduce((product, dim) => product * dim, 1);
      const inside = Array.from({ length: positions }, (_, i) =>
        flatIndexAt(operand, unflatten(i, dims), []),
      );
      const truth = !inside.includes(null);
      if (staysInside(operand, dims)) {
        expect(truth, `seed ${SEED} round ${round} ${JSON.stringify({ operand, dims })}`).toBe(true);
        seen.proven++;
      } else seen[truth ? "missed" : "refuted"]++;
    }
    expect(seen.proven).toBeGreaterThan(200);
    expect(seen.refuted).toBeGreaterThan(200);
    expect(seen.missed).toBeLessThan(seen.proven);
  });

  function combine(bounds: readonly Bound[], factor: number) {
    return {
      offset: bounds.reduce((sum, { offset }, j) => sum + offset * factor ** j, 0),
      out: (bounds[0] as Bound).out.map((_, k) =>
        bounds.reduce((sum, { out }, j) => sum + (out[k] as number) * factor ** j, 0),
      ),
      reduce: [],
    };
  }
});

describe("isExactInDoubles", () => {
  test("draws the line at 2^53, summing magnitudes", () => {
    const form = { offset: 0, out: [2 ** 30, -(2 ** 30)], reduce: [] };
    expect(isExactInDoubles(form, [2 ** 22, 2 ** 22])).toBe(true);
    expect(isExactInDoubles(form, [2 ** 22 + 2, 2 ** 22 + 2])).toBe(false);
  });
});

describe("extremumNeverEmpty", () => {
  test.each([
    [8, 8, 3, 1, true],
    [8, 8, 3, 2, true],
    [8, 8, 3, 3, false],
    [8, 11, 3, 2, false],
    [8, 10, 3, 2, true],
  ])("of %i elements, %i outputs, window %i, padding %i is %s", (size, out, kernel, pad, expected) => {
    expect(extremumNeverEmpty(maximum(size, out, kernel, pad))).toBe(expected);
  });

  test("looks at bounds that share a reduction dim together", () => {
    const [operand] = maximum(8, 8, 3, 1).operands as [Operand];
    const late: Bound = { limit: 1, offset: -2, out: [0], reduce: [1] };
    const early: Bound = { limit: 1, offset: 0, out: [0], reduce: [1] };
    const withBounds = (...bounds: Bound[]) => ({
      ...maximum(8, 8, 3, 1),
      operands: [{ ...operand, bounds }],
    });
    expect(extremumNeverEmpty(withBounds(late))).toBe(true);
    expect(extremumNeverEmpty(withBounds(early, late))).toBe(false);
  });
});

describe("validateProgram", () => {
  const validate = (
    change: Partial<Instruction>,
    inputs: Parameters<typeof validateProgram>[0]["inputs"] = INPUTS,
  ) => validateProgram({ instructions: [{ ...LOAD, ...change }], weights: [], inputs });

  test("accepts a program that reads its input and then its trace", () => {
    const second = { ...LOAD, operands: [{ ...OPERAND, space: "trace" as const }] };
    expect(() =>
      validateProgram({ instructions: [LOAD, second], weights: [], inputs: INPUTS }),
    ).not.toThrow();
  });

  test("accepts that the floats of an input, and of nothing else, are read as their bits", () => {
    const inputs = [{ dtype: "f32", elements: 4 }] as const;
    const bits: Partial<Instruction> = { outDtype: "i32", operands: [{ ...OPERAND, dtype: "i32" }] };
    expect(() => validate(bits, inputs)).not.toThrow();
    const first = { ...LOAD, outDtype: "f32", operands: [{ ...OPERAND, dtype: "f32" }] } as const;
    const second = { ...LOAD, ...bits, operands: [{ ...OPERAND, dtype: "i32", space: "trace" }] } as const;
    expect(() => validateProgram({ instructions: [first, second], weights: [], inputs })).toThrow(
      "of f32, not 4 of i32",
    );
  });

  test.each<[string, Partial<Instruction>, string]>([
    ["an input that does not exist", { operands: [{ ...OPERAND, index: 1 }] }, "does not exist"],
    ["another number of elements", { operands: [{ ...OPERAND, elements: 5 }] }, "has 4 elements of u8"],
    ["another dtype", { operands: [{ ...OPERAND, dtype: "i8" }] }, "has 4 elements of u8"],
    ["an index outside the tensor", { outDims: [5] }, "not proven"],
    ["an empty maximum", maximum(4, 8, 3, 1), "the max is not proven"],
    [
      "an index of 2^53",
      { outDims: [2 ** 31 - 1], operands: [{ ...OPERAND, map: { offset: 0, out: [2 ** 24], reduce: [] } }] },
      "2^53",
    ],
    ["an output of 2^31 elements", { outDims: [2 ** 31] }, "at most 2^31-1"],
    [
      "a zero point out of range",
      {
        expression: [
          { code: "float", a: 0, b: 0, imm: 0 },
          { code: "int", a: 0, b: 0, imm: 256 },
          { code: "quantise_u8", a: 0, b: 1, imm: 0 },
        ],
      },
      "zero point in 256..256",
    ],
    [
      "a NaN that is not the canonical one",
      { outDtype: "f32", expression: [{ code: "float", a: 0, b: 0, imm: 0x7f800001 }] },
      "NaN",
    ],
  ])("refuses %s", (_, change, what) => {
    expect(() => validate(change)).toThrow(what);
    expect(() => validate(change)).toThrow("Instruction 0");
  });

  test("accepts a zero point read from a u8 tensor, and its clamp, and refuses one read from an i32", () => {
    const quantise = (zero: Instruction["expression"]) => [
      { code: "float" as const, a: 0, b: 0, imm: 0 },
      ...zero,
      { code: "quantise_u8" as const, a: 0, b: zero.length, imm: 0 },
    ];
    const load = { code: "load" as const, a: 0, b: 0, imm: 0 };
    validate({ expression: quantise([load]) });
    const wide = { operands: [{ ...OPERAND, dtype: "i32" as const }] };
    const inputs = [{ dtype: "i32" as const, elements: 4 }];
    expect(() => validate({ ...wide, expression: quantise([load]) }, inputs)).toThrow("zero point");
    const clamp: Instruction["expression"] = [
      load,
      { code: "int", a: 0, b: 0, imm: 0 },
      { code: "imax", a: 1, b: 2, imm: 0 },
      { code: "int", a: 0, b: 0, imm: 255 },
      { code: "imin", a: 3, b: 4, imm: 0 },
    ];
    validate({ ...wide, expression: quantise(clamp) }, inputs);
  });

  test("refuses an operand of 2^31 elements", () => {
    const elements = 2 ** 31;
    expect(() => validate({ operands: [{ ...OPERAND, elements }] }, [{ dtype: "u8", elements }])).toThrow(
      "at most 2^31-1",
    );
  });

  test("lets what loadat and inside alone name point outside, but only as far as doubles count", () => {
    const expression: Instruction["expression"] = [
      { code: "inside", a: 0, b: 0, imm: 0 },
      { code: "loadat", a: 0, b: 0, imm: 0 },
    ];
    const outside = { offset: -7, out: [2], reduce: [] };
    validate({ expression, operands: [{ ...OPERAND, map: outside }] });
    const loads = [...expression, { code: "load" as const, a: 0, b: 0, imm: 0 }];
    expect(() => validate({ expression: loads, operands: [{ ...OPERAND, map: outside }] })).toThrow(
      "not proven",
    );
    const far = { offset: 0, out: [2 ** 24], reduce: [] };
    const huge = { expression, outDims: [2 ** 31 - 1], operands: [{ ...OPERAND, map: far }] };
    expect(() => validate(huge)).toThrow("2^53");
  });

  test("refuses an empty program", () => {
    expect(() => validateProgram({ instructions: [], weights: [], inputs: [] })).toThrow("0 instructions");
  });
});
