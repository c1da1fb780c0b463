import { inputsRoot, toHex } from "@surety/engine";
import type { Hex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { countingModel, outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { play } from "../support/players.ts";
import { actors, type RequestOptions, requestOf } from "../support/scenario.ts";
import { assigneeOf, eventOf, eventsOf, type Surety, serve, startSurety } from "../support/surety.ts";

const MOST_BYTES = 240 * 1024;
const URI = "https://example.org/input.bin";
const EMPTY = new Uint8Array();

/** 256 KiB in, 256 KiB out: neither fits. */
const large = countingModel(2, 256 * 1024);
const largeInput = Uint8Array.from({ length: 256 * 1024 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
const small = countingModel(2, 600);
const smallInput = largeInput.subarray(0, 600);

describe("SuretyOracle: by reference", () => {
  let surety: Surety;
  beforeAll(async () => {
    surety = await startSurety();
    const { alice, requester } = actors(surety);
    const ids = [large, small].map(({ modelId }) => modelId);
    for (const { header } of [large, small]) {
      await surety.send({ from: requester, to: surety.registry, call: "register", args: [header, ""] });
    }
    await serve(surety, alice, ...ids);
  });
  let snapshot: Hex;
  beforeEach(async () => {
    snapshot = await surety.snapshot();
  });
  afterEach(() => surety.revert(snapshot));
  afterAll(() => surety.close());

  const outputRoot = outputRootOf(large, runModel(large, [largeInput]));
  const inputRootOf = (data: Uint8Array) => toHex(inputsRoot([data]));

  async function asking(model = large, data = largeInput, options: RequestOptions = {}, uri = URI) {
    const { requester } = actors(surety);
    const request = await requestOf(surety, model, EMPTY, { delivery: "pull", callbackGas: 0, ...options });
    return {
      from: requester,
      to: surety.oracle,
      call: "requestInferenceByReference",
      args: [request, inputRootOf(data), uri],
      valueWei: surety.parameters.baseFeeWei,
    };
  }
  async function asked(model = large, data = largeInput, options: RequestOptions = {}) {
    const receipt = await surety.send(await asking(model, data, options));
    return { receipt, requestId: eventOf(receipt, "RequestedByReference").requestId as bigint };
  }
  const onOracle = (call: string, args: readonly unknown[]) => ({
    from: actors(surety).alice,
    to: surety.oracle,
    call,
    args,
  });
  const postArgs = (requestId: bigint, outputRoot: string, uri = URI) => [
    requestId,
    questionFor(large, [largeInput]),
    outputRoot,
    uri,
  ];
  const afterWindow = async () => (await surety.now()) + surety.parameters.challengeWindowSeconds;

  it("a request keeps the root it is given and tells where the input is", async () => {
    const { requester } = actors(surety);
    const { receipt, requestId } = await asked();
    const inputRoot = inputRootOf(largeInput);
    expect(eventsOf(receipt)).toMatchObject([
      {
        name: "RequestedByReference",
        args: { requestId, modelId: large.modelId, requester, inputRoot, uri: URI },
      },
    ]);
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      status: 1,
      inputRoot,
      delivery: 1,
    });
  });

  it("an answer is posted by its root and made final without the output", async () => {
    const { alice, stranger } = actors(surety);
    const { requestId } = await asked();
    const posted = await surety.send(onOracle("postByReference", postArgs(requestId, outputRoot)));
    const assertionId = requestId * 256n;
    expect(eventsOf(posted, "PostedByReference")).toMatchObject([
      { args: { assertionId, requestId, poster: alice, outputRoot, uri: URI } },
    ]);
    const finalise = { ...onOracle("finaliseByReference", [requestId, outputRoot]), from: stranger };
    expect(await surety.refused(finalise)).toMatchObject({ error: "WindowOpen" });
    const time = await afterWindow();
    const wrong = onOracle("finaliseByReference", [requestId, large.modelId]);
    expect(await surety.refused({ ...wrong, time })).toEqual({
      error: "OutputMismatch",
      args: [large.modelId, outputRoot],
    });
    const receipt = await surety.send({ ...finalise, time: time + 1 });
    expect(eventsOf(receipt, "Finalised")).toMatchObject([{ args: { assertionId, requestId, outputRoot } }]);
    expect(eventsOf(receipt, "Delivered")).toEqual([]);
    expect(await surety.read(surety.oracle, "resultOf", [requestId])).toBe(outputRoot);
    expect(await surety.refused(finalise)).toMatchObject({ error: "WrongStatus" });
    expect(await surety.refused(onOracle("retry", [requestId, "0x"]))).toMatchObject({
      error: "NothingToRetry",
    });
  });

  it("a wrong root is disputed as wrong bytes are, down to the element", async () => {
    const { alice, challenger } = actors(surety);
    const { requestId } = await asked();
    const assertionId = requestId * 256n;
    const question = questionFor(large, [largeInput]);
    const honest = runModel(large, [largeInput]);
    const lie = runModel(large, [largeInput], { instruction: 0, byte: 200_001 });
    const wrongRoot = outputRootOf(large, lie);
    await surety.send(onOracle("postByReference", postArgs(requestId, wrongRoot)));
    const opened = await surety.send({
      from: challenger,
      to: surety.game,
      call: "open",
      args: [assertionId, question, wrongRoot],
      valueWei: surety.parameters.challengeBondWei,
    });
    const gameId = eventOf(opened, "GameOpened").gameId as bigint;
    await play(
      surety,
      { model: large, inputs: [largeInput], own: honest, poster: lie },
      { gameId, posterAddress: alice },
    );
    expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ refuted: true });
  });

  it("nobody is fined for a turn it missed: the input may not have been there", async () => {
    const { alice, bob } = actors(surety);
    await serve(surety, bob, small.modelId);
    const { requestId } = await asked(small, smallInput, { delivery: "final" });
    const assignee = await assigneeOf(surety, requestId);
    const args = [
      requestId,
      questionFor(small, [smallInput]),
      outputOf(small, runModel(small, [smallInput])),
    ];
    const time = (await surety.now()) + surety.parameters.exclusiveSeconds + 1;
    const from = assignee === alice ? bob : alice;
    const receipt = await surety.send({ ...onOracle("post", args), from, time });
    expect(eventsOf(receipt).map(({ name }) => name)).toEqual(["Posted", "Locked"]);
  });

  it("a small output is delivered for an input by reference, from its bytes only", async () => {
    const { requestId } = await asked(small, smallInput, { delivery: "final" });
    const honest = runModel(small, [smallInput]);
    const output = outputOf(small, honest);
    const question = questionFor(small, [smallInput]);
    const byReference = onOracle("postByReference", [requestId, question, outputRootOf(small, honest), URI]);
    expect(await surety.refused(byReference)).toEqual({
      error: "OutputFitsTransaction",
      args: [600n, BigInt(MOST_BYTES)],
    });
    await surety.send(onOracle("post", [requestId, question, output]));
    const finalTime = await afterWindow();
    const noBytes = onOracle("finaliseByReference", [requestId, outputRootOf(small, honest)]);
    expect(await surety.refused({ ...noBytes, time: finalTime })).toEqual({
      error: "DeliveryNeedsOutput",
      args: [requestId],
    });
    const done = await surety.send({ ...onOracle("finalise", [requestId, output]), time: finalTime + 1 });
    expect(eventsOf(done, "Delivered").length).toBe(1);
  });

  it("requests are refused with input bytes, a long uri, or a callback that cannot be", async () => {
    const request = await asking();
    const [first, root] = request.args as [object, string];
    expect(await surety.refused({ ...request, args: [{ ...first, input: "0x01" }, root, URI] })).toEqual({
      error: "WrongInputSize",
      args: [1n, 0n],
    });
    const uri = "x".repeat(2049);
    expect(await surety.refused(await asking(large, largeInput, {}, uri))).toEqual({
      error: "UriTooLong",
      args: [2049n, 2048n],
    });
    await surety.send(await asking(large, largeInput, {}, "x".repeat(2048)));
    expect(await surety.refused(await asking(large, largeInput, { delivery: "final" }))).toEqual({
      error: "OutputTooLargeToDeliver",
      args: [256n * 1024n, BigInt(MOST_BYTES)],
    });
    expect(await surety.refused({ ...request, valueWei: 0n })).toMatchObject({ error: "FeeTooLow" });
  });

  it("posts are refused with a long uri, for another question, or by who does not serve", async () => {
    const { bob } = actors(surety);
    const { receipt } = await asked();
    const requestId = eventOf(receipt, "RequestedByReference").requestId as bigint;
    const assignee = await assigneeOf(surety, requestId);
    const post = (args: readonly unknown[]) => ({ ...onOracle("postByReference", args), from: assignee });
    expect(await surety.refused(post(postArgs(requestId, outputRoot, "x".repeat(2049))))).toMatchObject({
      error: "UriTooLong",
    });
    const [, , ...rest] = postArgs(requestId, outputRoot);
    expect(await surety.refused(post([requestId, outputRoot, ...rest]))).toMatchObject({
      error: "QuestionMismatch",
    });
    expect(await surety.refused({ ...post(postArgs(requestId, outputRoot)), from: bob })).toMatchObject({
      error: "NotYourTurn",
    });
  });
});
