import { describe, expect, test } from "vitest";
import { decodeInstruction, encodeInstruction, outputElements, validateProgram } from "../program/index.ts";
import { DTYPES, type Instruction } from "../program/instruction.ts";
import { readStoredBits, tensorReader } from "./element-reader.ts";
import { evaluateElement } from "./evaluate-element.ts";
import { evaluateTensor } from "./evaluate-tensor.ts";
import { randomInputs, randomInstruction, seededRandom } from "./testing/random-instruction.ts";
import { touchedElements } from "./touched-elements.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

describe("evaluateTensor", () => {
  test("equals evaluateElement on random instructions, byte for byte", () => {
    console.log(`seed ${SEED}`);
    const random = seededRandom(SEED);
    const seen = { none: 0, dot: 0, sum: 0, max: 0, min: 0 };
    for (let round = 0; round < 500; round++) {
      const instruction = decodeInstruction(encodeInstruction(randomInstruction(random)), 0);
      validateProgram({ instructions: [instruction], weights: [], inputs: instruction.operands });
      const inputs = randomInputs(random, instruction);
      const bytes = evaluateTensor(instruction, { trace: [], weights: [], inputs });
      expect(bytes.length).toBe(outputElements(instruction) * DTYPES[instruction.outDtype].bytes);
      for (let element = 0; element < outputElements(instruction); element++) {
        const whole = instruction.operands.map(({ dtype }, k) =>
          tensorReader(inputs[k] as Uint8Array, dtype),
        );
        const touched = touchedElements(instruction, element, whole).map((flats) => new Set(flats));
        const readers = whole.map((read, k) => (flat: number) => {
          if (!touched[k]?.has(flat)) throw new Error(`seed ${SEED} round ${round}: ${flat} is not touched`);
          return read(flat);
        });
        const expected = evaluateElement(instruction, element, readers);
        const actual = readStoredBits(bytes, instruction.outDtype, element);
        if (actual !== expected) {
          throw new Error(
            `seed ${SEED} round ${round} element ${element}: ${actual} is not ${expected} in ${JSON.stringify(instruction)}`,
          );
        }
      }
      seen[instruction.accumulate]++;
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  });

  test("equals evaluateElement for zero points of every size, also those that no 16-bit array holds", () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => (i * 37) & 0xff);
    const operand = {
      space: "input",
      dtype: "u8",
      index: 0,
      elements: 40,
      map: { offset: 0, out: [20], reduce: [1] },
      bounds: [],
    } as const;
    for (const zero of [
      16_383,
      16_384,
      32_767,
      32_768,
      40_000,
      -40_000,
      65_535,
      65_536,
      2 ** 31 - 1,
      -(2 ** 31),
    ]) {
      for (const accumulate of ["dot", "sum"] as const) {
        const instruction: Instruction = {
          accumulate,
          outDtype: "i32",
          outDims: [2],
          reduceDims: [20],
          aZero: zero,
          bZero: accumulate === "dot" ? -zero | 0 : 0,
          operands: accumulate === "dot" ? [operand, operand] : [operand],
          expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
        };
        const tensor = evaluateTensor(instruction, { trace: [], weights: [], inputs: [bytes] });
        const readers = instruction.operands.map(({ dtype }) => tensorReader(bytes, dtype));
        for (const element of [0, 1]) {
          const expected = evaluateElement(instruction, element, readers);
          expect([zero, readStoredBits(tensor, "i32", element)]).toEqual([zero, expected]);
        }
      }
    }
  });

  test("refuses a zero point that is not proven to be in range, whatever the data", () => {
    const instruction: Instruction = {
      accumulate: "none",
      outDtype: "u8",
      outDims: [2],
      reduceDims: [],
      aZero: 0,
      bZero: 0,
      operands: [
        {
          space: "input",
          dtype: "i32",
          index: 0,
          elements: 2,
          map: { offset: 0, out: [1], reduce: [] },
          bounds: [],
        },
      ],
      expression: [
        { code: "float", a: 0, b: 0, imm: 0 },
        { code: "load", a: 0, b: 0, imm: 0 },
        { code: "quantise_u8", a: 0, b: 1, imm: 0 },
      ],
    };
    expect(() =>
      evaluateTensor(instruction, { trace: [], weights: [], inputs: [new Uint8Array(8)] }),
    ).toThrow(expect.objectContaining({ code: "PROGRAM_MALFORMED" }));
  });
});
