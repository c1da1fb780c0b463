import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuzzCount, fuzzSeed, randomFrom } from "../../contracts/test/support/random.ts";
import { encodeInstruction } from "../../engine/src/program/encode.ts";
import { outputElements } from "../../engine/src/program/tensor-size.ts";
import { checkIndexMaps } from "../../engine/src/program/validate.ts";
import { operandBytes, randomCase } from "./support/random-instruction.ts";
import { orMalformed, printed, SolidityReferee, typescriptAnswer } from "./support/solidity.ts";

let referee: SolidityReferee;
beforeAll(async () => {
  referee = await SolidityReferee.start();
});
afterAll(() => referee.stop());

describe("random instructions", () => {
  it("give the same elements in TypeScript and in Solidity, proven or not", async () => {
    const random = randomFrom(fuzzSeed());
    const seen = { none: 0, dot: 0, sum: 0, max: 0, malformed: 0, bounded: 0, judged: 0 };
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
      seen[instruction.accumulate]++;
      if (instruction.operands.some(({ bounds }) => bounds.length > 0)) seen.bounded++;
      if (expected.includes("malformed")) {
        seen.malformed++;
        // What validation lets pass is malformed for no index. (Zero points that data decide are another matter.)
        if (orMalformed(() => checkIndexMaps(instruction, index)) !== "malformed") {
          const zeroPoint = instruction.expression.some(({ code }) => code.startsWith("quantise"));
          if (!zeroPoint)
            expect.fail(`seed ${random.seed}, run ${run}: validated but malformed: ${printed(one, 0)}`);
        }
      }

      const chosen = random.int(0, elements.length - 1);
      const element = elements[chosen] as number;
      const right = expected[chosen] as number | "malformed";
      const posted =
        right !== "malformed" && random.chance(0.6) ? right : ((right === "malformed" ? 0 : right) ^ 1) >>> 0;
      const verdict = right === "malformed" ? "Malformed" : right === posted ? "Same" : "Different";
      const judged = await referee
        .judge(one, element, posted)
        .catch((error) => ({ verdict: `${error}`, expected: 0 }));
      if (judged.verdict !== verdict || judged.expected !== (right === "malformed" ? 0 : right)) {
        expect.fail(
          `seed ${random.seed}, run ${run}: judged ${judged.verdict} ${judged.expected}, right ${right}, posted ${posted}: ${printed(one, element)}`,
        );
      }
      seen.judged++;
    }
    // A generator that lost a kind would test nothing of it.
    for (const [kind, times] of Object.entries(seen))
      expect(times, `${kind}, seed ${random.seed}`).toBeGreaterThan(0);
  });
});
