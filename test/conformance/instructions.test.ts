import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuzzCount, fuzzSeed, randomFrom } from "../../contracts/test/support/random.ts";
import { encodeInstruction } from "../../engine/src/program/encode.ts";
import { ACCUMULATORS, type Instruction, OPCODES } from "../../engine/src/program/instruction.ts";
import { outputElements } from "../../engine/src/program/tensor-size.ts";
import { checkIndexMaps } from "../../engine/src/program/validate.ts";
import { operandBytes, randomCase } from "./support/random-instruction.ts";
import { type Answer, orMalformed, printed, SolidityReferee, typescriptAnswer } from "./support/solidity.ts";

let referee: SolidityReferee;
beforeAll(async () => {
  referee = await SolidityReferee.start();
});
afterAll(() => referee.stop());

describe("random instructions", () => {
  it("give the same elements in TypeScript and in Solidity, proven or not", async () => {
    const random = randomFrom(fuzzSeed());
    const kinds = [...Object.keys(ACCUMULATORS), ...Object.keys(OPCODES), "malformed", "bounded", "judged"];
    const seen = new Map(kinds.map((kind) => [kind, 0]));
    const count = (kind: string) => seen.set(kind, (seen.get(kind) ?? 0) + 1);
    for (let run = 0; run < fuzzCount(200); run++) {
      const one = randomCase(random);
      const { instruction, index } = one;
      const tensors = operandBytes(one);
      const all = outputElements(instruction);
      const elements =
        all <= 10
          ? Array.from({ length: all }, (_, i) => i)
          : Array.from({ length: 10 }, () => random.int(0, all - 1));
      const expected = elements.map((element) => typescriptAnswer(instruction, element, tensors));
      const { answers } = await referee.evaluate(encodeInstruction(instruction), index, elements, tensors);
      const wrong = elements.findIndex((_, i) => answers[i] !== expected[i]);
      if (wrong >= 0) {
        expect.fail(
          `seed ${random.seed}, run ${run}: Solidity ${answers[wrong]}, TypeScript ${expected[wrong]}: ${printed(one, elements[wrong] as number)}`,
        );
      }
      count(instruction.accumulate);
      for (const { code } of instruction.expression) count(code);
      if (instruction.operands.some(({ bounds }) => bounds.length > 0)) count("bounded");
      if (expected.includes("malformed")) {
        count("malformed");
        // What validation lets pass is malformed for no index. (Zero points that data decide are another matter.)
        if (orMalformed(() => checkIndexMaps(instruction, index)) !== "malformed") {
          const zeroPoint = instruction.expression.some(({ code }) => code.startsWith("quantise"));
          if (!zeroPoint)
            expect.fail(`seed ${random.seed}, run ${run}: validated but malformed: ${printed(one, 0)}`);
        }
      }

      const chosen = random.int(0, elements.length - 1);
      const element = elements[chosen] as number;
      const right = expected[chosen] as Answer;
      const due = right === "malformed" ? 0n : right;
      const posted = right !== "malformed" && random.chance(0.6) ? due : due ^ 1n;
      const verdict = right === "malformed" ? "Malformed" : right === posted ? "Same" : "Different";
      const judged = await referee
        .judge(one, element, posted)
        .catch((error) => ({ verdict: `${error}`, expected: 0n }));
      if (judged.verdict !== verdict || judged.expected !== due) {
        expect.fail(
          `seed ${random.seed}, run ${run}: judged ${judged.verdict} ${judged.expected}, right ${right}, posted ${posted}: ${printed(one, element)}`,
        );
      }
      count("judged");
    }
    // A generator that lost a kind would test nothing of it.
    for (const [kind, times] of seen) expect(times, `${kind}, seed ${random.seed}`).toBeGreaterThan(0);
  });

  it("of long runs agree at the ends of the range, in every direction", async () => {
    const random = randomFrom(fuzzSeed());
    for (const [aStep, bStep] of [
      [1, -1],
      [-1, 1],
      [1, 1],
      [-1, -1],
    ] as const) {
      const length = random.pick([16_383, 16_384, 16_385, 16_416, 20_000, 32_800]);
      const kinds = ["u8", "i8"] as const;
      const dtypes = [random.pick(kinds), random.pick(kinds)] as const;
      const zero = (dtype: "u8" | "i8") =>
        random.pick(dtype === "u8" ? [0, 255, -128, 383, 384] : [0, -128, 127, 255, 256]);
      const ends = (dtype: "u8" | "i8") =>
        new Uint8Array(length).fill(random.pick(dtype === "u8" ? [0, 255] : [127, 128]));
      const instruction: Instruction = {
        accumulate: "dot",
        outDtype: "i32",
        outDims: [1],
        reduceDims: [length],
        aZero: zero(dtypes[0]),
        bZero: zero(dtypes[1]),
        operands: [aStep, bStep].map((step, index) => ({
          space: "weight",
          dtype: dtypes[index === 0 ? 0 : 1],
          index,
          elements: length,
          map: { offset: step === 1 ? 0 : length - 1, out: [0], reduce: [step] },
          bounds: [],
        })),
        expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
      };
      const tensors = dtypes.map(ends);
      const { answers } = await referee.evaluate(encodeInstruction(instruction), 0, [0], tensors);
      const { aZero, bZero } = instruction;
      const what = `seed ${random.seed}: ${length} of ${dtypes} with zeros ${aZero}, ${bZero}, steps ${aStep}, ${bStep}, bytes ${tensors.map((bytes) => bytes[0])}`;
      expect(answers, what).toEqual([typescriptAnswer(instruction, 0, tensors)]);
    }
  });
});
