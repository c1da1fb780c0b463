import { describe, expect, test } from "vitest";
import { decodeInstruction, encodeInstruction, outputElements, validateProgram } from "../program/index.ts";
import { DTYPES } from "../program/instruction.ts";
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
    const seen = { none: 0, dot: 0, sum: 0, max: 0 };
    for (let round = 0; round < 500; round++) {
      const instruction = decodeInstruction(encodeInstruction(randomInstruction(random)), 0);
      validateProgram({ instructions: [instruction], weights: [], inputs: instruction.operands });
      const inputs = randomInputs(random, instruction);
      const bytes = evaluateTensor(instruction, { trace: [], weights: [], inputs });
      expect(bytes.length).toBe(outputElements(instruction) * DTYPES[instruction.outDtype].bytes);
      for (let element = 0; element < outputElements(instruction); element++) {
        const touched = touchedElements(instruction, element).map((flats) => new Set(flats));
        const readers = instruction.operands.map(({ dtype }, k) => {
          const read = tensorReader(inputs[k] as Uint8Array, dtype);
          return (flat: number) => {
            if (!touched[k]?.has(flat))
              throw new Error(`seed ${SEED} round ${round}: ${flat} is not touched`);
            return read(flat);
          };
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
});
