import { proveItem, toHex } from "@surety/engine";
import { suretyOracleAbi } from "@surety/protocol";
import {
  type Abi,
  type Address,
  concatHex,
  encodeFunctionData,
  getAddress,
  type Hex,
  hexToBytes,
  toFunctionSelector,
} from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digitImage } from "../support/models.ts";
import { readArtifact, startChainProcess } from "../support/network.ts";
import { actors } from "../support/scenario.ts";
import { type At, eventOf, eventsOf, type Surety, startSurety } from "../support/surety.ts";

const MODEL_ID: Hex = `0x${"5a".repeat(32)}`;
const image = digitImage();
const scores = (digit: number) =>
  toHex(new Uint8Array(Float32Array.from({ length: 10 }, (_, i) => (i === digit ? 1 : 0)).buffer));

/** Where a contract is put for a call. */
const STOOD: Address = "0x00000000000000000000000000000000000000bb";

describe("MockSurety: consumers meet the production oracle, and tests say the answers", () => {
  /** Only for its helpers: nothing of this deployment is used. */
  let surety: Surety;
  let mock: At;
  let oracle: At;
  let snapshot: Hex;
  beforeAll(async () => {
    surety = await startSurety();
    mock = await surety.deploy("mock/MockSurety.sol", [1_000n, 2n]);
    oracle = {
      address: getAddress(await surety.read<Address>(mock, "oracle")),
      abi: suretyOracleAbi as Abi,
    };
    await drive("addModel", MODEL_ID, [image.length], [40]);
  });
  beforeEach(async () => {
    snapshot = await surety.snapshot();
  });
  afterEach(() => surety.revert(snapshot));
  afterAll(() => surety.close());

  const drive = (call: string, ...args: unknown[]) =>
    surety.send({ from: actors(surety).stranger, to: mock, call, args });
  const reader = (name: string) => surety.deploy(`examples/${name}.sol`, [oracle.address, MODEL_ID]);
  const ask = async (to: At, deadline?: number) => {
    const receipt = await surety.send({
      from: actors(surety).requester,
      to,
      call: "readDigit",
      args: [toHex(image), deadline ?? (await surety.now()) + 100],
      valueWei: await surety.read<bigint>(to, "feeWei"),
    });
    return eventOf(receipt, "Requested").requestId as bigint;
  };

  it("a batch's digits are taken one by one, each with its proof", async () => {
    const digits = await reader("DigitBatch");
    const { requester, stranger } = actors(surety);
    const said = [3, 9, 0];
    const images = toHex(Buffer.concat(said.map(() => image)));
    const args = [images, said.length, (await surety.now()) + 100];
    const asked = await surety.send({
      from: requester,
      to: digits,
      call: "readDigits",
      args,
      valueWei: 3_000n,
    });
    const requestId = eventOf(asked, "BatchRequested").requestId as bigint;
    const output = concatHex(said.map(scores));
    const take = (item: number, of = item) => ({
      from: stranger,
      to: digits,
      call: "takeDigit",
      args: [
        requestId,
        item,
        scores(said[of] as number),
        proveItem([40], hexToBytes(output), said.length, of).proof,
      ],
    });
    await drive("answer", requestId, output);
    expect((await surety.attempt(take(1))).error).toBe(toFunctionSelector("NotTheResult(uint256,uint256)"));
    await drive("finalise", requestId, output);
    // Another item's digit is not this one's.
    expect((await surety.attempt(take(1, 0))).error).toBe(
      toFunctionSelector("NotTheResult(uint256,uint256)"),
    );
    for (const [item, digit] of said.entries()) {
      const notYet = { from: stranger, to: digits, call: "digitOf", args: [requestId, item] };
      expect((await surety.attempt(notYet)).error).toBe(toFunctionSelector("NotTakenYet(uint256,uint256)"));
      await surety.send(take(item));
      expect(await surety.read(digits, "digitOf", [requestId, item])).toBe(digit);
    }
  });

  it("a final answer arrives without time travel: the next blocks are enough", async () => {
    const digits = await reader("DigitReader");
    expect(await surety.read(digits, "feeWei")).toBe(1_000n + 80_000n * 2n);
    const requestId = await ask(digits);
    await drive("answer", requestId, scores(8));
    const receipt = await drive("finalise", requestId, scores(8));
    expect(eventsOf(receipt, "Delivered")).toMatchObject([{ args: { requestId, success: true } }]);
    expect(await surety.read(digits, "digitOf", [requestId])).toBe(8);
  });

  it("a whole test of a consumer fits into one transaction, at block 0 too: nothing waits for the request's block to be over", async () => {
    const atOnce = await surety.deploy("test-harness/MockAtOnce.sol");
    expect(await surety.read(atOnce, "blockNumber")).toBe(
      await surety.network.publicClient.getBlockNumber({ cacheTime: 0 }),
    );
    const anvil = await startChainProcess();
    try {
      const { abi, bytecode } = readArtifact("test-harness/MockAtOnce.sol");
      // The first block of a chain, as a test that begins there sees it.
      const { data: runtime } = await anvil.publicClient.call({
        data: bytecode,
        blockOverrides: { number: 0n },
      });
      const { data } = await anvil.publicClient.call({
        to: STOOD,
        data: encodeFunctionData({ abi, functionName: "blockNumber" }),
        stateOverride: [{ address: STOOD, code: runtime as Hex }],
      });
      expect(BigInt(data as Hex)).toBe(0n);
    } finally {
      await anvil.close();
    }
  });

  it("refutes an answer that stands, and no other", async () => {
    const from = actors(surety).stranger;
    const digits = await reader("DigitReader");
    const requestId = await ask(digits);
    const refute = { from, to: mock, call: "refute", args: [requestId] };
    // The mock's own error: known by its selector.
    const refusal = { error: toFunctionSelector("NotAnswered(uint256)"), args: [] };
    expect(await surety.refused(refute)).toEqual(refusal);
    await drive("answer", requestId, scores(8));
    await surety.send(refute);
    await drive("answer", requestId, scores(8));
    await drive("finalise", requestId, scores(8));
    expect(await surety.refused(refute)).toEqual(refusal);
  });

  it("provisional answers, refutation and revocation come as in production", async () => {
    const live = await reader("LiveDigit");
    const reading = (id: bigint) => surety.read(live, "readingOf", [id]);
    const requestId = await ask(live);
    await drive("answer", requestId, scores(3));
    expect(await reading(requestId)).toEqual({ digit: 3, certainty: 1 });
    await drive("refute", requestId);
    const from = actors(surety).stranger;
    await surety.send({ from, to: oracle, call: "revoke", args: [requestId] });
    expect(await reading(requestId)).toEqual({ digit: 0, certainty: 0 });
    await drive("answer", requestId, scores(5));
    await drive("finalise", requestId, scores(5));
    expect(await reading(requestId)).toEqual({ digit: 5, certainty: 2 });
  });

  it("errors are the oracle's own", async () => {
    const { stranger } = actors(surety);
    const digits = await reader("DigitReader");
    const refused = (call: string, ...args: unknown[]) =>
      surety.refused({ from: stranger, to: mock, call, args });
    const requestId = await ask(digits);
    expect(await refused("answer", requestId, "0x12")).toEqual({
      error: "WrongOutputSize",
      args: [1n, 40n],
    });
    expect(await refused("answer", 9n, "0x")).toMatchObject({ error: "UnknownRequest" });
    await drive("answer", requestId, scores(1));
    expect(await refused("finalise", requestId, scores(2))).toMatchObject({ error: "OutputMismatch" });
    await expect(drive("addModel", MODEL_ID, [1], [1])).rejects.toThrow();
    const other = await surety.deploy("examples/DigitReader.sol", [oracle.address, `0x${"01".repeat(32)}`]);
    expect(await surety.refused({ from: stranger, to: other, call: "feeWei" })).toMatchObject({
      error: "NotRegistered",
    });
  });

  it("an unanswered request is refunded after its deadline", async () => {
    const digits = await reader("DigitReader");
    const deadline = (await surety.now()) + 100;
    const requestId = await ask(digits, deadline);
    const refund = { from: actors(surety).stranger, to: oracle, call: "refund", args: [requestId] };
    await surety.send({ ...refund, time: deadline + 1 });
    expect(await surety.read(oracle, "creditOf", [digits.address])).toBe(161_000n);
  });
});
