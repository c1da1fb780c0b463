import { describe, expect, test } from "vitest";
import { touchedElements } from "../referee/touched-elements.ts";
import { randomNumbers } from "../testing/compileSmall.ts";
import { DTYPES, type Dtype, type Instruction } from "./instruction.ts";
import { worstStepCost } from "./step-cost.ts";
import { validateProgram } from "./validate.ts";

/** A sum of one channel over the pixels of an image whose channels stand next to each other. */
function channelSum(pixels: number, channels: number): Instruction {
  return {
    accumulate: "sum",
    outDtype: "i32",
    outDims: [channels],
    reduceDims: [pixels],
    aZero: 0,
    bZero: 0,
    operands: [
      {
        space: "input",
        dtype: "u8",
        index: 0,
        elements: pixels * channels,
        map: { offset: 0, out: [1], reduce: [channels] },
        bounds: [],
      },
    ],
    expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
  };
}

const validate = (instruction: Instruction) =>
  validateProgram({
    instructions: [instruction],
    weights: [],
    inputs: instruction.operands.map(({ dtype, elements }) => ({ dtype, elements })),
  });

describe("worstStepCost", () => {
  test("a global average pool of a small image fits, one that reads its whole large tensor for a number does not", () => {
    validate(channelSum(7 * 7, 1280));
    expect(() => validate(channelSum(112 * 112, 64))).toThrow(
      expect.objectContaining({
        code: "PROGRAM_MALFORMED",
        message: expect.stringContaining("fit into a transaction"),
      }),
    );
  });

  test("a reduction of few bytes and too many positions does not fit", () => {
    const { operands, ...rest } = channelSum(256, 1);
    const map = { offset: 0, out: [0], reduce: [0, 1] };
    const again = {
      ...rest,
      reduceDims: [100_000, 256],
      operands: operands.map((operand) => ({ ...operand, map })),
    };
    expect(() => validate(again)).toThrow(/gas/);
  });

  test("is never less than the leaves that an element reads", () => {
    const random = randomNumbers(11);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let round = 0; round < 400; round++) {
      const reduceDims = Array.from({ length: 1 + below(3) }, () => 1 + below(12));
      const outDims = [1 + below(6)];
      const reduce = reduceDims.map(() => below(2) * below(700));
      const out = [below(300)];
      const dtype: Dtype = below(2) === 0 ? "u8" : "i32";
      const highest = [...reduceDims, ...outDims].reduce(
        (sum, dim, k) => sum + (dim - 1) * ([...reduce, ...out][k] as number),
        0,
      );
      const offset = below(500);
      const elements = offset + highest + 1 + below(300);
      const plain = channelSum(1, 1);
      const instruction: Instruction = {
        ...plain,
        outDims,
        reduceDims,
        operands: [{ space: "input", dtype, index: 0, elements, map: { offset, out, reduce }, bounds: [] }],
      };
      for (let element = 0; element < (outDims[0] as number); element++) {
        const [touched = []] = touchedElements(instruction, element, []);
        const leaves = new Set(touched.map((flat) => Math.floor((flat * DTYPES[dtype].bytes) / 256)));
        expect(worstStepCost(instruction).bytes).toBeGreaterThanOrEqual(256 * leaves.size);
      }
    }
  });
});
