import { toHex } from "@surety/engine";
import { describe, expect, it } from "vitest";
import { disputedInput as input, disputedModel as model } from "../support/dispute.ts";
import { inputOperand, mapInstruction, operation } from "../support/instructions.ts";
import { countingModel, makeModel, questionFor, runModel } from "../support/models.ts";
import { play, viewOf } from "../support/players.ts";
import { requestOf, useSurety } from "../support/scenario.ts";
import { eventOf } from "../support/surety.ts";

describe("DisputeGame: programs of every shape", () => {
  const scenario = useSurety(model, input);

  /** Registers a model, has a lie about it posted and challenged, and plays to the end. */
  const dispute = async (
    other: typeof model,
    data: Uint8Array,
    lie: ReturnType<typeof runModel>,
    own: ReturnType<typeof runModel>,
  ) => {
    const { surety } = scenario;
    const { alice, requester, challenger } = scenario.actors;
    await surety.send({ from: requester, to: surety.registry, call: "register", args: [other.header, ""] });
    await surety.send({ from: alice, to: surety.operators, call: "joinModel", args: [other.modelId] });
    const request = await requestOf(surety, other, data, { delivery: "pull", callbackGas: 0 });
    const call = { from: requester, to: surety.oracle, call: "requestInference", args: [request] };
    await surety.send({ ...call, valueWei: scenario.feeOf(0) });
    const output = toHex(
      Buffer.concat(other.header.outputs.map(({ instruction }) => lie.tensorBytes(instruction))),
    );
    await surety.send({
      from: alice,
      to: surety.oracle,
      call: "post",
      args: [1n, questionFor(other, [data]), output],
    });
    const gameId = await scenario.open(256n, lie, challenger, other, data);
    const moves = await play(
      surety,
      { model: other, inputs: [data], own, poster: lie },
      { gameId, posterAddress: alice },
    );
    return { gameId, moves, view: await viewOf(surety, gameId) };
  };

  it.each<[string, number, number, number[] | undefined, { instruction: number; byte: number }, number]>([
    ["one instruction of one byte", 1, 1, undefined, { instruction: 0, byte: 0 }, 4],
    ["one instruction of one leaf", 1, 256, undefined, { instruction: 0, byte: 255 }, 4],
    ["one instruction of two leaves", 1, 257, undefined, { instruction: 0, byte: 256 }, 4],
    ["two instructions, three leaves", 2, 600, undefined, { instruction: 0, byte: 599 }, 4],
    ["a lie only in the output", 5, 1_024, undefined, { instruction: 4, byte: 1_023 }, 4],
    ["a tensor of one node above the bytes", 3, 1_025, undefined, { instruction: 1, byte: 1_024 }, 6],
    ["64 instructions: one reveal", 64, 10, undefined, { instruction: 63, byte: 9 }, 4],
    ["65 instructions: two reveals", 65, 10, undefined, { instruction: 64, byte: 9 }, 6],
    ["several outputs in any order, one twice", 9, 300, [8, 2, 5, 2], { instruction: 2, byte: 299 }, 4],
  ])("%s: the lie is found", async (_, instructions, elements, outputs, lie, expectedMoves) => {
    const other = countingModel(instructions, elements, outputs);
    const data = input.slice(0, elements);
    const told = runModel(other, [data], lie);
    const { moves, view } = await dispute(other, data, told, runModel(other, [data]));
    expect(view.phase).toBe("challenger-won");
    const step = moves.at(-1);
    expect(step?.call).toBe("step");
    expect(step && eventOf(step.receipt, "StepJudged")).toMatchObject({
      instruction: lie.instruction,
      element: lie.byte,
    });
    expect(moves).toHaveLength(expectedMoves);
  });

  it("a lie in the upper half of an i64 is found, and judged by all its 64 bits", async () => {
    const elements = 300;
    const product = mapInstruction({
      outDtype: "i64",
      outDims: [elements],
      operands: [inputOperand("i64", 0, elements)],
      expression: [operation("load"), operation("int", 0, 0, -3), operation("lmul", 0, 1)],
    });
    const other = makeModel({ instructions: [product], inputBytes: [8 * elements] });
    const data = Uint8Array.from({ length: 8 * elements }, (_, i) => (i * 151) ^ (i >> 3));
    const told = runModel(other, [data], { instruction: 0, byte: 8 * 77 + 6 });
    const { moves, view } = await dispute(other, data, told, runModel(other, [data]));
    expect(view.phase).toBe("challenger-won");
    const expected = BigInt.asUintN(64, Buffer.from(data).readBigInt64LE(8 * 77) * -3n);
    const last = moves.at(-1);
    expect(last && eventOf(last.receipt, "StepJudged")).toMatchObject({
      element: 77,
      verdict: 1,
      posted: expected ^ (0x55n << 48n),
      expected,
    });
  });

  it("an instruction that is malformed by its own bytes ends the game when its tensor is picked", async () => {
    const plain = countingModel(3, 300);
    const broken = makeModel({
      instructions: plain.instructions,
      inputBytes: [300],
      encoded: { 1: Uint8Array.from([0xff, 1, 2, 3]) },
    });
    const data = input.slice(0, 300);
    const told = runModel(plain, [data], { instruction: 1, byte: 7 });
    const { moves, view } = await dispute(broken, data, told, runModel(plain, [data]));
    expect(view.phase).toBe("challenger-won");
    const last = moves.at(-1);
    expect(last?.call).toBe("selectTensor");
    expect(last && eventOf(last.receipt, "StepJudged")).toMatchObject({ verdict: 2, instruction: 1 });
  });
});
