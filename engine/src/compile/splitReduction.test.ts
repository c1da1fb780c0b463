import { describe, expect, test } from "vitest";
import type { Instruction } from "../program/instruction.ts";
import { STEP_BUDGET, worstStepCost } from "../program/step-cost.ts";
import { validateProgram } from "../program/validate.ts";
import { evaluateTensor } from "../referee/index.ts";
import { randomNumbers } from "../testing/compileSmall.ts";
import { type InstructionDraft, type OperandDraft, ProgramBuilder } from "./programBuilder.ts";

const bytesOf = (data: Uint8Array | Int8Array | Int32Array | Float32Array) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function input(
  index: number,
  dtype: OperandDraft["dtype"],
  data: { length: number },
  map: Partial<OperandDraft>,
) {
  return {
    space: "input" as const,
    index,
    dtype,
    elements: data.length,
    offset: 0,
    out: [0],
    reduce: [1],
    ...map,
  };
}

/** Evaluates the draft split and whole; returns the split program. */
function compare(
  draft: InstructionDraft,
  data: readonly (Uint8Array | Int8Array | Int32Array | Float32Array)[],
) {
  const builder = new ProgramBuilder();
  builder.add("whole", null, draft);
  const inputs = data.map(bytesOf);
  const trace: Uint8Array[] = [];
  for (const instruction of builder.instructions) {
    trace.push(evaluateTensor(instruction, { trace, weights: [], inputs }));
  }
  const whole: Instruction = {
    aZero: 0,
    bZero: 0,
    ...draft,
    operands: draft.operands.map(({ out, reduce, offset, bounds = [], ...operand }) => ({
      ...operand,
      map: { offset, out, reduce },
      bounds,
    })),
  };
  const expected = evaluateTensor(whole, { trace: [], weights: [], inputs });
  expect(Buffer.compare(trace.at(-1) as Uint8Array, expected)).toBe(0);
  const specs = draft.operands.map(({ dtype, elements }) => ({ dtype, elements }));
  validateProgram({ instructions: builder.instructions, weights: [], inputs: specs });
  return builder;
}

const acc = [{ code: "acc", a: 0, b: 0, imm: 0 }] as const;
const random = randomNumbers(11);

describe("reductions beyond the budget are split", () => {
  test.each([25_088, 25_089, 25_087, 60_000])("a dot of %i products, wrapping", (length) => {
    const a = Uint8Array.from({ length }, () => random() * 256);
    const b = Int8Array.from({ length: 2 * length }, () => random() * 256 - 128);
    const bias = Int32Array.of(2 ** 31 - 5, -7);
    const builder = compare(
      {
        accumulate: "dot",
        outDtype: "i32",
        outDims: [2],
        reduceDims: [length],
        aZero: 7,
        bZero: -3,
        operands: [
          input(0, "u8", a, {}),
          input(1, "i8", b, { offset: length - 1, out: [length], reduce: [-1] }),
          input(2, "i32", bias, { out: [1], reduce: [0] }),
        ],
        expression: [...acc, { code: "load", a: 2, b: 0, imm: 0 }, { code: "iadd", a: 0, b: 1, imm: 0 }],
      },
      [a, b, bias],
    );
    expect(builder.instructions.map(({ accumulate }) => accumulate)).toEqual(["dot", "sum"]);
    expect(builder.sources).toEqual([null, null]);
  });

  test.each(["max", "min"] as const)("the %s of a million floats, in several rounds", (accumulate) => {
    const data = Float32Array.from({ length: 1_000_000 }, () => random() * 2 - 1);
    const draft: InstructionDraft = {
      accumulate,
      outDtype: "f32",
      outDims: [1],
      reduceDims: [data.length],
      operands: [input(0, "f32", data, {})],
      expression: acc,
    };
    const { instructions } = compare(draft, [data]);
    expect(instructions.length).toBeGreaterThan(1);
  });

  test("the sum of a padded, strided prime number of elements over two axes", () => {
    const data = Uint8Array.from({ length: 1009 * 31 }, () => random() * 256);
    const { instructions } = compare(
      {
        accumulate: "sum",
        outDtype: "i32",
        outDims: [3],
        reduceDims: [1009, 37],
        aZero: 9,
        operands: [
          input(0, "u8", data, {
            offset: -3,
            reduce: [31, 1],
            bounds: [{ limit: 31, offset: -3, out: [0], reduce: [0, 1] }],
          }),
        ],
        expression: acc,
      },
      [data],
    );
    expect(instructions.length).toBe(2);
  });

  test("a maximum over a padded window keeps parts that see the picture", () => {
    const data = Float32Array.from({ length: 40 * 3000 }, () => random() - 0.5);
    compare(
      {
        accumulate: "max",
        outDtype: "f32",
        outDims: [2],
        reduceDims: [41, 3000],
        operands: [
          input(0, "f32", data, {
            offset: -3000,
            out: [3000],
            reduce: [3000, 1],
            bounds: [{ limit: 40, offset: -1, out: [1], reduce: [1, 0] }],
          }),
        ],
        expression: acc,
      },
      [data],
    );
  });

  test("what fits is left alone, and nothing is left beyond the budget", () => {
    const data = new Float32Array(3000);
    const draft: InstructionDraft = {
      accumulate: "max",
      outDtype: "f32",
      outDims: [1],
      reduceDims: [data.length],
      operands: [input(0, "f32", data, {})],
      expression: acc,
    };
    expect(compare(draft, [data]).instructions.length).toBe(1);
    const builder = new ProgramBuilder();
    const million = { ...input(0, "f32", { length: 2 ** 22 }, {}) };
    builder.add("", null, { ...draft, reduceDims: [2 ** 22], operands: [million] });
    for (const instruction of builder.instructions) {
      expect(worstStepCost(instruction).gas).toBeLessThanOrEqual(STEP_BUDGET.gas);
    }
  });
});
