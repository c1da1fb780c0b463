import { batchRoot, proveItem, toHex } from "@surety/engine";
import { itemIdOf, parseAssertionId, parseHash32, parseModelId, questionOf } from "@surety/protocol";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { type ChallengerKnows, commitMove, play, viewOf } from "../support/players.ts";
import {
  CALLBACK_GAS,
  type RequestOptions,
  requestOf,
  smallInput,
  smallModel,
  useSurety,
} from "../support/scenario.ts";
import { assigneeOf, eventOf, eventsOf, ZERO_HASH } from "../support/surety.ts";

const COUNT = 3;
const ITEM_BYTES = smallInput.length;
const inputs = Array.from({ length: COUNT }, (_, item) =>
  smallInput.map((byte) => (byte * 3 + item * 17) & 0xff),
);
const joined = Buffer.concat(inputs);
const runs = inputs.map((input) => runModel(smallModel, [input]));
const join = (traces: readonly (typeof runs)[0][]) =>
  Buffer.concat(traces.map((trace) => Buffer.from(outputOf(smallModel, trace).slice(2), "hex")));
const outputs = join(runs);
const inputRoot = batchRoot([ITEM_BYTES], joined, COUNT);
const question = questionOf(parseModelId(smallModel.modelId), inputRoot, COUNT);
/** A lie in the middle of one item's run. */
const LYING = 1;
const lie = runModel(smallModel, [inputs[LYING] as Uint8Array], { instruction: 1, byte: 300 });
const lies = join(runs.map((run, item) => (item === LYING ? lie : run)));

describe("SuretyOracle: batches", () => {
  const scenario = useSurety(smallModel, smallInput, { missedTurnPenaltyWei: 10n ** 15n });
  const fee = () => BigInt(COUNT) * scenario.surety.parameters.baseFeeWei;
  const asking = async (itemCount = COUNT, data: Uint8Array = joined, options: RequestOptions = {}) => ({
    from: scenario.actors.requester,
    to: scenario.surety.oracle,
    call: "requestBatch",
    args: [
      await requestOf(scenario.surety, smallModel, data, { delivery: "pull", callbackGas: 0, ...options }),
      itemCount,
    ],
    valueWei: fee(),
  });
  const asked = async (options: RequestOptions = {}) => {
    const receipt = await scenario.surety.send(await asking(COUNT, joined, options));
    const requestId = eventOf(receipt, "BatchRequested").requestId as bigint;
    return { requestId, receipt, assignee: await assigneeOf(scenario.surety, requestId) };
  };
  const onOracle = (from: Hex, call: string, args: readonly unknown[]) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });
  const posted = async (output: Uint8Array = outputs) => {
    const { requestId, assignee } = await asked();
    await scenario.surety.send(onOracle(assignee, "post", [requestId, question, toHex(output)]));
    return { requestId, assertionId: requestId * 256n, poster: assignee };
  };
  const afterWindow = async () =>
    (await scenario.surety.now()) + scenario.surety.parameters.challengeWindowSeconds;
  const outputProof = (all: Uint8Array, item: number) => proveItem([ITEM_BYTES], all, COUNT, item);
  const showing = (assertionId: bigint, item: number, all: Uint8Array) => {
    const [asked, said] = [proveItem([ITEM_BYTES], joined, COUNT, item), outputProof(all, item)];
    return onOracle(scenario.actors.stranger, "showItem", [
      assertionId,
      item,
      asked.root,
      asked.proof,
      said.root,
      said.proof,
    ]);
  };
  const itemId = (assertionId: bigint, item: number) => itemIdOf(parseAssertionId(assertionId), item);
  /** Opens a game on an item that says what `trace` does. */
  const opening = (
    assertionId: bigint,
    item: number,
    trace: (typeof runs)[0],
    from = scenario.actors.challenger,
  ) => ({
    from,
    to: scenario.surety.game,
    call: "open",
    args: [
      itemId(assertionId, item),
      questionFor(smallModel, [inputs[item] as Uint8Array]),
      outputRootOf(smallModel, trace),
    ],
    valueWei: scenario.surety.parameters.challengeBondWei,
  });
  const knows = (item: number, poster: (typeof runs)[0]): ChallengerKnows => ({
    model: smallModel,
    inputs: [inputs[item] as Uint8Array],
    own: runs[item] as (typeof runs)[0],
    poster,
  });
  const bytesOf = (item: number, all: Uint8Array = outputs) =>
    toHex(all.subarray(item * ITEM_BYTES, (item + 1) * ITEM_BYTES));

  it("ask for many inputs in one request, at so many base fees", async () => {
    const { surety, actors } = scenario;
    const terms = [smallModel.modelId, CALLBACK_GAS, 0, `0x${"0".repeat(40)}`, 0n];
    const [one, many] = [
      await surety.read<bigint>(surety.oracle, "quote", terms),
      await surety.read<bigint>(surety.oracle, "quoteBatch", [...terms, 3n]),
    ];
    expect(many - one).toBe(2n * surety.parameters.baseFeeWei);
    const { requestId, receipt } = await asked();
    expect(eventsOf(receipt)).toMatchObject([
      {
        name: "BatchRequested",
        args: { requestId, requester: actors.requester, itemCount: 3n, input: toHex(joined) },
      },
    ]);
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      itemCount: COUNT,
      inputRoot,
      fee: fee(),
    });
    // One input is no batch.
    const single = await scenario.request();
    expect(await surety.read(surety.oracle, "requestOf", [single.requestId])).toMatchObject({ itemCount: 1 });
    expect((await surety.refused({ ...(await asking()), valueWei: fee() - 1n })).error).toBe("FeeTooLow");
  });

  it("of too few, too many or too large items are refused", async () => {
    const { surety } = scenario;
    const refused = async (itemCount: number, data: Uint8Array) =>
      surety.refused(await asking(itemCount, data));
    expect(await refused(1, smallInput)).toEqual({ error: "WrongItemCount", args: [1n, 64n] });
    expect(await refused(65, smallInput)).toEqual({ error: "WrongItemCount", args: [65n, 64n] });
    expect(await refused(4, joined)).toEqual({ error: "WrongInputSize", args: [1_800n, 2_400n] });
    const { countingModel } = await import("../support/models.ts");
    const wide = countingModel(1, 8_192);
    const register = {
      from: scenario.actors.alice,
      to: surety.registry,
      call: "register",
      args: [wide.header, ""],
    };
    await surety.send(register);
    const call = await asking(31, new Uint8Array());
    const request = { ...(call.args[0] as object), modelId: wide.modelId };
    expect(await surety.refused({ ...call, args: [request, 31] })).toEqual({
      error: "BatchTooLarge",
      args: [31n * 8_192n, 240n * 1024n],
    });
  });

  it("are not taken by the extension's own address", async () => {
    const { surety } = scenario;
    const extension = await surety.read<Hex>(surety.oracle, "extension");
    const call = { ...(await asking()), to: { ...surety.oracle, address: extension } };
    expect((await surety.refused(call)).error).toBe("CalledDirectly");
  });

  it("are answered by all outputs, whose root the chain computes, and each item is proven from it", async () => {
    const { surety, actors } = scenario;
    const { requestId, assignee } = await asked();
    const post = (named: Hex, output: Uint8Array) =>
      onOracle(assignee, "post", [requestId, named, toHex(output)]);
    // Neither the question of one input with this root, nor of one item.
    for (const named of [
      questionOf(parseModelId(smallModel.modelId), inputRoot),
      questionFor(smallModel, [inputs[0] as Uint8Array]),
    ])
      expect((await surety.refused(post(named, outputs))).error).toBe("QuestionMismatch");
    expect(await surety.refused(post(question, outputs.subarray(ITEM_BYTES)))).toEqual({
      error: "WrongOutputSize",
      args: [1_200n, 1_800n],
    });
    await surety.send(post(question, outputs));
    const isItem = (item: number, of = item, all: Uint8Array = outputs) =>
      surety.read<boolean>(surety.oracle, "isItem", [
        requestId,
        item,
        bytesOf(of, all),
        outputProof(outputs, of).proof,
      ]);
    // Not before it is final.
    expect(await isItem(0)).toBe(false);
    const root = batchRoot([ITEM_BYTES], outputs, COUNT);
    await surety.send({
      ...onOracle(actors.stranger, "finaliseByReference", [requestId, root]),
      time: await afterWindow(),
    });
    expect(await surety.read(surety.oracle, "resultOf", [requestId])).toBe(root);
    expect(await surety.read(surety.oracle, "isResult", [requestId, toHex(outputs)])).toBe(true);
    for (let item = 0; item < COUNT; item++) expect(await isItem(item)).toBe(true);
    // Wrong proofs: another item's, another output, an item that is not there, padding, a shorter and a longer path.
    expect(await isItem(0, 1)).toBe(false);
    expect(await isItem(1, 1, lies)).toBe(false);
    expect(await isItem(COUNT, 2)).toBe(false);
    const { proof } = outputProof(outputs, 0);
    for (const wrong of [proof.slice(1), [...proof, ZERO_HASH], []])
      expect(await surety.read(surety.oracle, "isItem", [requestId, 0, bytesOf(0), wrong])).toBe(false);
    expect(await surety.read(surety.oracle, "creditOf", [assignee])).toBe(fee());
    // Its items are proven for nothing: there is nothing to reuse.
    const caller = (
      await surety.deploy("examples/DigitBatch.sol", [surety.addresses.oracle, smallModel.modelId])
    ).address;
    await surety.network.testClient.impersonateAccount({ address: caller });
    const reuse = onOracle(caller as Hex, "reuse", [
      requestId,
      question,
      toHex(outputs),
      `0x${"0".repeat(40)}`,
    ]);
    expect((await surety.refused(reuse)).error).toBe("NotReusable");
  });

  it("are disputed an item at a time, by what was asked and posted of it", async () => {
    const { surety, actors } = scenario;
    const { requestId, assertionId, poster } = await posted(lies);
    const whole = {
      ...opening(assertionId, LYING, lie),
      args: [assertionId, question, batchRoot([ITEM_BYTES], lies, COUNT)],
    };
    expect(await surety.refused(whole)).toEqual({ error: "ItemNotShown", args: [assertionId] });
    expect(await surety.refused(opening(assertionId, LYING, lie))).toEqual({
      error: "ItemNotShown",
      args: [itemId(assertionId, LYING)],
    });
    // What is not in the batch cannot be shown.
    const right = showing(assertionId, LYING, lies);
    const other = showing(assertionId, 0, lies).args;
    for (const args of [
      [assertionId, LYING, other[2], other[3], ...right.args.slice(4)],
      [assertionId, LYING, ...right.args.slice(2, 4), ...showing(assertionId, LYING, outputs).args.slice(4)],
      [assertionId, 0, ...right.args.slice(2)],
    ])
      expect((await surety.refused({ ...right, args })).error).toBe("ItemNotProven");
    expect(await surety.refused({ ...right, args: [assertionId, COUNT, ...right.args.slice(2)] })).toEqual({
      error: "UnknownItem",
      args: [3n, 3n],
    });
    expect((await surety.refused({ ...right, args: [assertionId + 1n, ...right.args.slice(1)] })).error).toBe(
      "UnknownAssertion",
    );
    const single = await scenario.posted();
    expect(
      (await surety.refused({ ...right, args: [single.assertionId, 0, ...right.args.slice(2)] })).error,
    ).toBe("UnknownItem");
    // Nor may the poster's clock run on the whole: it has no trace.
    const commit = commitMove(surety, knows(LYING, lie), lie, assertionId);
    expect(await surety.refused({ from: poster, ...commit })).toMatchObject({ error: "NotDisputable" });

    const shown = await surety.send(right);
    expect(eventOf(shown, "ItemShown")).toMatchObject({
      itemId: itemId(assertionId, LYING),
      assertionId,
      item: 1n,
    });
    await surety.send(right); // Again: nothing changes.
    await surety.send(showing(assertionId, 0, lies));
    const gameId = eventOf(await surety.send(opening(assertionId, LYING, lie)), "GameOpened")
      .gameId as bigint;
    // A second challenger is wrong about an honest item: the refuted batch voids its game.
    const idle = eventOf(
      await surety.send(opening(assertionId, 0, runs[0] as (typeof runs)[0], actors.second)),
      "GameOpened",
    ).gameId as bigint;
    expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ openGames: 2 });
    const stakeOf = async () =>
      (await surety.read<{ stakeWei: bigint }>(surety.operators, "operatorOf", [poster])).stakeWei;
    const before = await stakeOf();
    await play(surety, knows(LYING, lie), { gameId, posterAddress: poster });
    expect((await viewOf(surety, gameId)).phase).toBe("challenger-won");
    const { assertionBondWei, challengeBondWei, burnBps } = surety.parameters;
    expect(before - (await stakeOf())).toBe(assertionBondWei);
    const paid = assertionBondWei - (assertionBondWei * BigInt(burnBps)) / 10_000n;
    expect(await surety.read(surety.game, "creditOf", [actors.challenger])).toBe(challengeBondWei + paid);
    expect((await viewOf(surety, idle)).phase).toBe("void");
    await surety.send({ from: actors.stranger, to: surety.game, call: "closeVoid", args: [idle] });
    expect(await surety.read(surety.game, "creditOf", [actors.second])).toBe(challengeBondWei);
    // What the game holds is what it owes.
    expect(await surety.balance(surety.addresses.game)).toBe(2n * challengeBondWei + paid);

    // The request is open again: the next answer's items are other assertions.
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      status: 1,
      attempt: 1,
    });
    const next = await assigneeOf(surety, requestId);
    expect(next).not.toBe(poster);
    await surety.send(onOracle(next, "post", [requestId, question, toHex(outputs)]));
    expect((await surety.refused(opening(assertionId, LYING, lie, actors.second))).error).toBe(
      "AlreadyRefuted",
    );
    await surety.send({
      ...onOracle(actors.stranger, "finalise", [requestId, toHex(outputs)]),
      time: await afterWindow(),
    });
    expect(
      await surety.read(surety.oracle, "isItem", [
        requestId,
        LYING,
        bytesOf(LYING),
        outputProof(outputs, LYING).proof,
      ]),
    ).toBe(true);
  });

  it("stand when an honest item is disputed: the challenger loses its bond to the poster, once", async () => {
    const { surety, actors } = scenario;
    const { requestId, assertionId, poster } = await posted();
    await surety.send(showing(assertionId, 2, outputs));
    const honest = runs[2] as (typeof runs)[0];
    const gameId = eventOf(await surety.send(opening(assertionId, 2, honest)), "GameOpened").gameId as bigint;
    expect(
      (await surety.refused(onOracle(actors.stranger, "finalise", [requestId, toHex(outputs)]))).error,
    ).toBe("WindowOpen");
    // It walks to the end and has nothing to show there.
    const stuck = async () => {
      const view = await viewOf(surety, gameId);
      return view.phase === "tensor" && view.height <= 2 && view.turn === "challenger";
    };
    await play(surety, knows(2, honest), {
      gameId,
      posterAddress: poster,
      until: (view) => view.phase === "tensor" && view.height <= 2 && view.turn === "challenger",
    });
    expect(await stuck()).toBe(true);
    const { clockSeconds, challengeBondWei, burnBps } = surety.parameters;
    const time = (await surety.now()) + clockSeconds + 60;
    expect(
      (await surety.refused({ ...onOracle(actors.stranger, "finalise", [requestId, toHex(outputs)]), time }))
        .error,
    ).toBe("GamesOpen");
    await surety.send({
      from: actors.stranger,
      to: surety.game,
      call: "claimTimeout",
      args: [gameId],
      time: time + 1,
    });
    expect(await surety.read(surety.game, "creditOf", [poster])).toBe(
      challengeBondWei - (challengeBondWei * BigInt(burnBps)) / 10_000n,
    );
    await surety.send(onOracle(actors.stranger, "finalise", [requestId, toHex(outputs)]));
    expect(await surety.read(surety.oracle, "creditOf", [poster])).toBe(fee());
    expect(await surety.read(surety.operators, "operatorOf", [poster])).toMatchObject({ lockedWei: 0n });
  });

  it("fine nobody: one exclusive time may be too short for many items", async () => {
    const { surety, actors } = scenario;
    const { requestId, assignee } = await asked();
    const other = assignee === actors.alice ? actors.bob : actors.alice;
    const time = (await surety.now()) + surety.parameters.exclusiveSeconds + 1;
    const receipt = await surety.send({
      ...onOracle(other, "post", [requestId, question, toHex(outputs)]),
      time,
    });
    expect(eventsOf(receipt, "TurnMissed")).toEqual([]);
  });

  it("deliver all outputs to a consumer that wants a callback", async () => {
    const { surety, actors } = scenario;
    const { requestId, assignee } = await asked({ delivery: "final" });
    await surety.send(onOracle(assignee, "post", [requestId, question, toHex(outputs)]));
    const receipt = await surety.send({
      ...onOracle(actors.stranger, "finalise", [requestId, toHex(outputs)]),
      time: await afterWindow(),
    });
    // The requester is an account without code: noted as failed, owed, and nothing is held up.
    expect(eventOf(receipt, "Delivered")).toMatchObject({ requestId, success: false });
    expect(await surety.refused(onOracle(actors.stranger, "retry", [requestId, bytesOf(0)]))).toMatchObject({
      error: "WrongOutputSize",
    });
    expect(parseHash32(await surety.read<Hex>(surety.oracle, "resultOf", [requestId]))).toBe(
      batchRoot([ITEM_BYTES], outputs, COUNT),
    );
  });
});
