import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convolutionLayer, denseLayer, type Layer } from "../../contracts/test/support/layers.ts";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../../contracts/test/support/random.ts";
import type { Instruction } from "../../engine/src/program/instruction.ts";
import { worstStepCost } from "../../engine/src/program/step-cost.ts";
import { CALLDATA_GAS, GAME_GAS, OPERAND_BYTES, STEP_BYTES } from "../../engine/src/program/step-gas.ts";
import { outputElements } from "../../engine/src/program/tensor-size.ts";
import { type Case, operandBytes, randomCase } from "./support/random-instruction.ts";
import { printed, SolidityReferee, typescriptAnswer } from "./support/solidity.ts";

let referee: SolidityReferee;
beforeAll(async () => {
  referee = await SolidityReferee.start();
});
afterAll(() => referee.stop());

/** The sum of a channel over pixels each of which lies in leaves of its own. */
function channelSum(random: Random, pixels: number, channels: number): Layer {
  const map = { offset: 0, out: [1], reduce: [channels] };
  const elements = pixels * channels;
  return {
    instruction: {
      accumulate: "sum",
      outDtype: "i32",
      outDims: [channels],
      reduceDims: [pixels],
      aZero: 0,
      bZero: 0,
      operands: [{ space: "trace", dtype: "u8", index: 0, elements, map, bounds: [] }],
      expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
    },
    activations: random.bytes(elements),
    weights: [],
  };
}

/** What a transaction to the referee alone takes at most: no game is around it. */
function worstRefereeGas(instruction: Instruction, tensors: number): number {
  const { bytes, gas } = worstStepCost(instruction, tensors);
  const calldata = STEP_BYTES + OPERAND_BYTES * instruction.operands.length + bytes;
  return Math.max(gas - GAME_GAS, calldata * CALLDATA_GAS.floor);
}

describe("worstStepCost", () => {
  it("is never less than what a transaction to the referee takes", async () => {
    const random = randomFrom(fuzzSeed());
    const shares: number[] = [];
    for (let run = 0; run < fuzzCount(60); run++) {
      const one = randomCase(random);
      const { instruction } = one;
      const element = random.int(0, outputElements(instruction) - 1);
      const right = typescriptAnswer(instruction, element, operandBytes(one));
      if (right === "malformed") continue;
      const used = Number(await referee.judgeGas(one, element, right));
      const gas = worstRefereeGas(instruction, Math.max(one.trace.length + 1, one.weights.length));
      shares.push(used / gas);
      if (used > gas)
        expect.fail(
          `seed ${random.seed}, run ${run}: ${used} gas, estimated ${gas}: ${printed(one, element)}`,
        );
    }
    expect(shares.length).toBeGreaterThan(20);
    // An estimate that is many times too high would refuse what can be refereed.
    shares.sort((a, b) => a - b);
    expect(shares[shares.length >> 1]).toBeGreaterThan(0.25);
  });

  it("is near what the layers of networks take", async () => {
    const random = randomFrom(fuzzSeed());
    const layers = [
      convolutionLayer(random, { size: 56, channels: 64, kernel: 3, outChannels: 64, merged: false }),
      convolutionLayer(random, { size: 7, channels: 512, kernel: 3, outChannels: 16, merged: true }),
      denseLayer(random, 1280, 100),
      denseLayer(random, 9216, 10),
      channelSum(random, 200, 300),
    ];
    for (const { instruction, activations, weights } of layers) {
      const one: Case = { instruction, index: 1, trace: [activations], weights, inputs: [] };
      const element = Math.floor(outputElements(instruction) / 2);
      const right = typescriptAnswer(instruction, element, operandBytes(one));
      if (right === "malformed") throw new Error("a layer is malformed");
      const used = Number(await referee.judgeGas(one, element, right));
      const gas = worstRefereeGas(instruction, weights.length);
      expect(gas).toBeGreaterThanOrEqual(used);
      expect(gas, `${instruction.reduceDims}`).toBeLessThan(2.5 * used);
    }
  });
});
