import type { CommittedTrace } from "@surety/engine";
import type { Address, Hex } from "viem";
import { describe, expect, it } from "vitest";
import { outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { commitMove } from "../support/players.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventOf } from "../support/surety.ts";

const otherInput = smallInput.map((byte) => byte ^ 0x2a);
const honest = runModel(smallModel, [smallInput]);
const other = runModel(smallModel, [otherInput]);
const [question, otherQuestion] = [smallInput, otherInput].map((input) => questionFor(smallModel, [input]));

/** Two requests change places: what was meant for the one must not touch the other. Each test runs the same calls on both histories. */
describe("A reorg that swaps two requests", () => {
  const scenario = useSurety(smallModel, smallInput);
  const ask = async (input: Uint8Array) => {
    const { surety, actors } = scenario;
    const request = await requestOf(surety, smallModel, input, { delivery: "pull", callbackGas: 0 });
    const call = { from: actors.requester, to: surety.oracle, call: "requestInference", args: [request] };
    const receipt = await surety.send({ ...call, valueWei: scenario.feeOf(0) });
    return eventOf(receipt, "Requested") as { requestId: bigint };
  };
  /** Only Alice serves, so that she is assigned in either history. */
  const alone = async () => {
    const { surety, actors } = scenario;
    const leave = { from: actors.bob, to: surety.operators, call: "leaveModel", args: [smallModel.modelId] };
    await surety.send(leave);
    return surety.snapshot();
  };
  const post = (requestId: bigint, named: Hex | undefined, trace: CommittedTrace) => ({
    from: scenario.actors.alice,
    to: scenario.surety.oracle,
    call: "post",
    args: [requestId, named, outputOf(smallModel, trace)],
  });
  const open = (from: Address, assertionId: bigint, named: Hex | undefined, trace: CommittedTrace) => ({
    from,
    to: scenario.surety.game,
    call: "open",
    args: [assertionId, named, outputRootOf(smallModel, trace)],
    valueWei: scenario.surety.parameters.challengeBondWei,
  });
  const mismatch = { error: "QuestionMismatch", args: [question, otherQuestion] };

  it("refuses an honest answer to the one as an answer to the other", async () => {
    const { surety } = scenario;
    const before = await alone();
    const { requestId } = await ask(smallInput);
    await ask(otherInput);
    await surety.send(post(requestId, question, honest));

    await surety.revert(before);
    await ask(otherInput);
    await ask(smallInput);
    expect(await surety.refused(post(requestId, question, honest))).toEqual(mismatch);
    // The node then answers what is asked under this number now.
    await surety.send(post(requestId, otherQuestion, other));
    await surety.send(post(requestId + 1n, question, honest));
  });

  it("refuses a game against a wrong answer that is a right one to the other", async () => {
    const { surety, actors } = scenario;
    const before = await alone();
    const { requestId } = await ask(smallInput);
    // A lie here, and the truth there.
    await surety.send(post(requestId, question, other));
    const challenge = open(actors.challenger, requestId * 256n, question, other);
    await surety.send(challenge);

    await surety.revert(before);
    await ask(otherInput);
    await surety.send(post(requestId, otherQuestion, other));
    expect(await surety.refused(challenge)).toEqual(mismatch);
    expect(await surety.balance(surety.addresses.game)).toBe(0n);
  });

  it("refuses the one's trace for the other, though both have the same output", async () => {
    const { surety, actors } = scenario;
    const before = await alone();
    const { requestId } = await ask(smallInput);
    await surety.send(post(requestId, question, honest));
    const knows = { model: smallModel, inputs: [smallInput] };
    const commit = { from: actors.alice, ...commitMove(surety, knows, honest, requestId * 256n) };
    await surety.send(commit);

    await surety.revert(before);
    await ask(otherInput);
    // Stands in for a model with few outputs: the same output, to another input.
    await surety.send(post(requestId, otherQuestion, honest));
    expect(await surety.refused(commit)).toEqual(mismatch);
  });

  it("gives every game an id of its own: a move meets the game it was meant for or none", async () => {
    const { surety, actors } = scenario;
    const before = await alone();
    // The same wrong output to both, as a liar would post it.
    const lie = scenario.lie({ instruction: 1, byte: 3 });
    const asked = async (inputs: readonly Uint8Array[]) => {
      for (const input of inputs) {
        const { requestId } = await ask(input);
        await surety.send(post(requestId, questionFor(smallModel, [input]), lie));
      }
    };
    await asked([smallInput, otherInput]);
    const first = open(actors.challenger, 256n, question, lie);
    const second = open(actors.challenger, 512n, otherQuestion, lie);
    const ids = [];
    for (const call of [first, second]) ids.push(eventOf(await surety.send(call), "GameOpened").gameId);
    expect(new Set(ids).size).toBe(2);

    await surety.revert(before);
    await asked([otherInput, smallInput]);
    // Somebody else's game comes first, and the numbers are swapped.
    await surety.send(open(actors.second, 256n, otherQuestion, lie));
    for (const call of [first, second]) {
      expect(await surety.refused(call)).toMatchObject({ error: "QuestionMismatch" });
    }
    await surety.send(open(actors.challenger, 256n, otherQuestion, lie));
    const claim = { from: actors.stranger, to: surety.game, call: "claimTimeout", args: [ids[0]] };
    expect(await surety.refused(claim)).toEqual({ error: "UnknownGame", args: [ids[0]] });
  });
});
