import { describe, expect, test } from "vitest";
import type { Instruction, Operand, Operation } from "../program/instruction.ts";
import { readStoredBits, tensorReader } from "./element-reader.ts";
import { evaluateElement } from "./evaluate-element.ts";
import { evaluateTensor } from "./evaluate-tensor.ts";
import { touchedElements } from "./touched-elements.ts";

const ACC: Operation = { code: "acc", a: 0, b: 0, imm: 0 };

function operand(change: Partial<Operand>): Operand {
  const map = { offset: 0, out: [0], reduce: [1] };
  return { space: "input", dtype: "u8", index: 0, elements: 4, map, bounds: [], ...change };
}

function instruction(change: Partial<Instruction>): Instruction {
  return {
    accumulate: "dot",
    outDtype: "i32",
    outDims: [1],
    reduceDims: [4],
    aZero: 0,
    bZero: 0,
    operands: [operand({}), operand({ index: 1, dtype: "i8" })],
    expression: [ACC],
    ...change,
  };
}

/** The element's stored bits by both evaluators, which must agree; of at most 32 bits. */
function evaluate(program: Instruction, element: number, inputs: readonly Uint8Array[]): number {
  const readers = program.operands.map(({ dtype, index }) =>
    tensorReader(inputs[index] as Uint8Array, dtype),
  );
  const value = evaluateElement(program, element, readers);
  const whole = evaluateTensor(program, { trace: [], weights: [], inputs });
  expect(readStoredBits(whole, program.outDtype, element)).toBe(value);
  return Number(value);
}

describe("evaluateElement", () => {
  test("subtracts zero points before it multiplies", () => {
    const inputs = [Uint8Array.of(1, 2, 3, 255), Uint8Array.of(1, 255, 128, 127)];
    const expected = (1 - 3) * (1 - 2) + (2 - 3) * (-1 - 2) + (3 - 3) * (-128 - 2) + (255 - 3) * (127 - 2);
    expect(evaluate(instruction({ aZero: 3, bZero: 2 }), 0, inputs)).toBe(expected);
  });

  test("wraps a long dot product mod 2^32", () => {
    const length = 70_000;
    const long = instruction({
      reduceDims: [length],
      operands: [operand({ elements: length }), operand({ index: 1, elements: length })],
    });
    const inputs = [new Uint8Array(length).fill(255), new Uint8Array(length).fill(255)];
    expect(evaluate(long, 0, inputs)).toBe((length * 255 * 255) % 2 ** 32);
  });

  test("wraps a sum of i32 mod 2^32", () => {
    const sum = instruction({ accumulate: "sum", aZero: -1, operands: [operand({ dtype: "i32" })] });
    const inputs = [new Uint8Array(Int32Array.of(2 ** 31 - 1, 2 ** 31 - 1, -5, 1).buffer)];
    expect(evaluate(sum, 0, inputs) | 0).toBe((2 * (2 ** 31 - 1) - 5 + 1 + 4) | 0);
  });

  test("skips a position where either factor is padding", () => {
    const left = { limit: 4, offset: -1, out: [0], reduce: [1] };
    const padded = instruction({
      aZero: 9,
      bZero: 1,
      operands: [
        operand({ map: { offset: -1, out: [0], reduce: [1] }, bounds: [left] }),
        operand({ index: 1, bounds: [{ limit: 3, offset: 0, out: [0], reduce: [1] }] }),
      ],
    });
    const inputs = [Uint8Array.of(10, 20, 30, 40), Uint8Array.of(2, 3, 4, 5)];
    expect(evaluate(padded, 0, inputs)).toBe((10 - 9) * (3 - 1) + (20 - 9) * (4 - 1));
    expect(touchedElements(padded, 0, [])).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  test("takes the maximum of what is in bounds, though padding would be larger", () => {
    const window = { offset: -1, out: [1], reduce: [1] };
    const pool = instruction({
      accumulate: "max",
      outDims: [4],
      reduceDims: [3],
      operands: [operand({ dtype: "i8", map: window, bounds: [{ limit: 4, ...window }] })],
    });
    const inputs = [Uint8Array.of(-5, -3, -9, -7)];
    expect([0, 1, 2, 3].map((element) => evaluate(pool, element, inputs) | 0)).toEqual([-3, -3, -3, -7]);
  });

  test("loads +0 for a NaN and for padding, and the element at reduction position 0", () => {
    const map = { offset: 0, out: [1], reduce: [] };
    const load = instruction({
      accumulate: "none",
      outDtype: "f32",
      outDims: [3],
      reduceDims: [],
      operands: [operand({ dtype: "f32", elements: 2, map, bounds: [{ limit: 2, ...map }] })],
      expression: [{ code: "load", a: 0, b: 0, imm: 0 }],
    });
    const inputs = [new Uint8Array(Uint32Array.of(0xff800001, 0x80000000).buffer)];
    expect([0, 1, 2].map((element) => evaluate(load, element, inputs))).toEqual([0, 0x80000000, 0]);
    expect(touchedElements(load, 2, [])).toEqual([[]]);
  });

  test("is malformed where an index leaves the tensor, a maximum is empty, or a zero point is out of range", () => {
    const read = [tensorReader(new Uint8Array(16), "u8"), tensorReader(new Uint8Array(16), "i8")];
    const outside = instruction({ operands: [operand({ elements: 3 }), operand({ index: 1, dtype: "i8" })] });
    expect(() => evaluateElement(outside, 0, read)).toThrow("leaves its 3 elements");
    const empty = instruction({
      accumulate: "max",
      operands: [operand({ bounds: [{ limit: 0, offset: 0, out: [0], reduce: [1] }] })],
    });
    expect(() => evaluateElement(empty, 0, read)).toThrow("is empty");
    const far = { offset: 0, out: [0], reduce: [2 ** 31 - 1] };
    const huge = instruction({ operands: [operand({ map: far }), operand({ index: 1, dtype: "i8" })] });
    expect(() => evaluateElement(huge, 0, read)).toThrow("leaves its 4 elements");
    const quantise = instruction({
      outDtype: "u8",
      expression: [
        ACC,
        { ...ACC, code: "tofloat" },
        { code: "int", a: 0, b: 0, imm: -1 },
        { code: "quantise_u8", a: 1, b: 2, imm: 0 },
      ],
    });
    expect(() => evaluateElement(quantise, 0, read)).toThrow("zero point -1");
    expect(() => evaluateTensor(outside, { trace: [], weights: [], inputs: [] })).toThrow("not proven");
  });
});
