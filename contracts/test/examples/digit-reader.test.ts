import { listHash, toHex } from "@surety/engine";
import type { Hex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digitImage, digitModel, outputOf, questionFor, runModel } from "../support/models.ts";
import { actors } from "../support/scenario.ts";
import { type At, eventOf, eventsOf, type Surety, serve, startSurety } from "../support/surety.ts";

const model = digitModel();
const image = digitImage();

describe("DigitReader", () => {
  let surety: Surety;
  let reader: At;
  let snapshot: Hex;
  beforeAll(async () => {
    surety = await startSurety();
    const { alice, requester } = actors(surety);
    await surety.send({ from: requester, to: surety.registry, call: "register", args: [model.header, ""] });
    await serve(surety, alice, model.modelId);
    reader = await surety.deploy("examples/DigitReader.sol", [surety.addresses.oracle, model.modelId]);
  });
  beforeEach(async () => {
    snapshot = await surety.snapshot();
  });
  afterEach(() => surety.revert(snapshot));
  afterAll(() => surety.close());

  const readDigit = async (valueWei?: bigint) => ({
    from: actors(surety).requester,
    to: reader,
    call: "readDigit",
    args: [toHex(image), (await surety.now()) + 1000],
    valueWei: valueWei ?? (await surety.read<bigint>(reader, "feeWei")),
  });

  /** Has an image asked for, and an output of ours posted and made final: what the contract reads in it. */
  const digitIn = async (output: Hex) => {
    const { alice, stranger } = actors(surety);
    const receipt = await surety.send(await readDigit());
    const { requestId } = eventOf(receipt, "Requested") as { requestId: bigint };
    const args = [requestId, questionFor(model, [image]), output];
    await surety.send({ from: alice, to: surety.oracle, call: "post", args });
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    const finalised = await surety.send({
      from: stranger,
      to: surety.oracle,
      call: "finalise",
      args: [requestId, output],
      time,
    });
    expect(eventsOf(finalised, "Delivered")).toMatchObject([{ args: { success: true } }]);
    return surety.read<number>(reader, "digitOf", [requestId]);
  };

  it("reads the digit that the model says", async () => {
    const trace = runModel(model, [image]);
    const scores = new Float32Array(trace.tensorBytes(5).slice().buffer);
    expect(await digitIn(outputOf(model, trace))).toBe(scores.indexOf(Math.max(...scores)));
    expect(toHex(listHash([trace.tensorRoot(5)]))).toBe(await surety.read(surety.oracle, "resultOf", [1n]));
  });

  const nan = Number.NaN;
  it.each<[string, number[], number]>([
    ["the largest of positive scores", [0.5, 1, 2, 3, 4, 9.5, 9.25, 1, 0, 0], 5],
    ["the least negative of negative scores", [-9, -8, -7.5, -1e-40, -3, -1, -2, -6, -5, -4], 3],
    ["a positive one among negative ones", [-1, -2, -3, -4, -5, -6, -7, -8, -9, 1e-45], 9],
    ["the first of equals", [1, 7, 7, 7, 1, 1, 1, 1, 1, 1], 1],
    ["the first of zeros of either sign", [-0, 0, -0, 0, -1, -1, -1, -1, -1, -1], 0],
    ["infinity", [1, 2, 3, Number.POSITIVE_INFINITY, 3.4e38, 1, 1, 1, 1, 1], 3],
    [
      "above minus infinity",
      [Number.NEGATIVE_INFINITY, -3.4e38, ...Array(8).fill(Number.NEGATIVE_INFINITY)],
      1,
    ],
    ["no NaN", [nan, nan, -5, nan, nan, nan, nan, nan, nan, nan], 2],
  ])("takes %s", async (_, scores, digit) => {
    expect(await digitIn(toHex(new Uint8Array(new Float32Array(scores).buffer)))).toBe(digit);
  });

  it("takes only exactly the fee", async () => {
    const feeWei = await surety.read<bigint>(reader, "feeWei");
    expect(await surety.refused(await readDigit(feeWei - 1n))).toEqual({
      error: "WrongFee",
      args: [feeWei - 1n, feeWei],
    });
  });

  it("digitOf before the answer is final reverts NotReadYet", async () => {
    await surety.send(await readDigit());
    const ask = { from: actors(surety).stranger, to: reader, call: "digitOf", args: [1n] };
    expect(await surety.refused(ask)).toEqual({ error: "NotReadYet", args: [1n] });
  });

  it("is called back by the oracle only, and takes money from it only", async () => {
    const { stranger } = actors(surety);
    const call = { from: stranger, to: reader, call: "onInference", args: [1n, `0x${"00".repeat(40)}`] };
    expect(await surety.refused(call)).toEqual({
      error: "OnlyOracle",
      args: [stranger, surety.addresses.oracle],
    });
    await expect(
      surety.network.wallets[1]?.sendTransaction({ to: reader.address, value: 1n, gas: 100_000n } as never),
    ).rejects.toThrow();
  });

  it("refuses an output that is not ten scores, and the oracle settles all the same", async () => {
    const { network, addresses } = surety;
    await network.testClient.impersonateAccount({ address: addresses.oracle });
    const call = { from: addresses.oracle, to: reader, call: "onInference", args: [1n, "0x1234"] };
    expect(await surety.refused(call)).toEqual({ error: "NotTenScores", args: [2n, 40n] });
  });
});
