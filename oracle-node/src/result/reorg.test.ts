import { assertionIdOf, assertionOf, operatorOf, quoteWei, requestInference, requestOf } from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { openModel, outputsRoot, questionAsked, toHex } from "@surety/engine";
import { parseRequestId, questionOf, type RequestId } from "@surety/protocol";
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RunningOracleNode, startOracleNode } from "../bin/start-oracle-node.ts";
import { openScene, type Scene } from "../testing/scene.ts";

let scene: Scene;
let node: RunningOracleNode | undefined;

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 60, challengeWindowSeconds: 600, unbondingSeconds: 100_000 });
  await scene.enlist(1);
  node = await startOracleNode(scene.nodeOptions(1));
});
afterAll(async () => {
  await node?.stop();
  await scene.close();
});

/** Asks as a given account, so that two requests can change places. */
async function ask(account: number, input: Uint8Array): Promise<RequestId> {
  const { chain, addresses, bundle, sender } = scene;
  const { modelId } = bundle;
  const feeWei = await quoteWei(chain, addresses, modelId);
  const deadline = Math.floor(Date.now() / 1_000) + 100_000;
  const call = requestInference(addresses, { modelId, input, feeWei, deadline });
  const receipt = await sender(account).send(call);
  return parseRequestId(BigInt(receipt.logs[0]?.topics[1] ?? 0));
}

/** The transactions from a block on, in order. */
async function transactionsFrom(
  first: bigint,
): Promise<{ readonly hash: Hex; readonly raw: Hex; readonly from: string }[]> {
  const { client } = scene.chain;
  const found = [];
  for (let number = first; number <= (await client.getBlockNumber()); number++) {
    const { transactions } = await client.getBlock({ blockNumber: number, includeTransactions: true });
    for (const { hash, from } of transactions) {
      const raw = (await client.request({
        method: "eth_getRawTransactionByHash",
        params: [hash],
      } as never)) as Hex;
      found.push({ hash, raw, from });
    }
  }
  return found;
}

async function rightRoot(input: Uint8Array): Promise<string> {
  const session = await openModel(scene.bundle);
  const root = toHex(outputsRoot(await session.run(input)));
  await session.release();
  return root;
}

describe("a node's answers, when a reorg swaps two requests", () => {
  it("are refused for the other question and given anew: no honest answer becomes a wrong one", async () => {
    const { chain, addresses, bundle, anvil } = scene;
    const [one, two] = [scene.input(5), scene.input(6)];
    const before = await chain.client.getBlockNumber();
    const [first, second] = [await ask(8, one), await ask(9, two)];
    const asserted = (id: RequestId) =>
      vi.waitUntil(async () => (await requestOf(chain, addresses, id)).status === "asserted", {
        timeout: 20_000,
        interval: 100,
      });
    await asserted(first);
    await asserted(second);

    const sent = await transactionsFrom(before + 1n);
    const by = (index: number) => sent.filter(({ from }) => from === devAccount(index).address.toLowerCase());
    const [asOne, asTwo, posts] = [by(8), by(9), by(1)];
    expect(posts).toHaveLength(2);
    // Asked in the other order, and the node's answers are mined again as they are.
    const replayed = [...asTwo, ...asOne, ...posts].map(({ raw }, block) => [raw, block]);
    const head = await chain.client.getBlockNumber();
    await fetch(anvil.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "anvil_reorg",
        params: [Number(head - before), replayed],
      }),
    });
    const { modelId, inputRoot } = await requestOf(chain, addresses, first);
    expect(questionOf(modelId, inputRoot)).toBe(questionAsked(bundle, two));
    for (const { hash } of posts) {
      expect(await chain.client.getTransactionReceipt({ hash })).toMatchObject({ status: "reverted" });
    }

    await asserted(first);
    await asserted(second);
    const rootOf = async (id: RequestId) =>
      (await assertionOf(chain, addresses, assertionIdOf(id, 0))).outputRoot;
    expect(await rootOf(first)).toBe(await rightRoot(two));
    expect(await rootOf(second)).toBe(await rightRoot(one));
    expect((await operatorOf(chain, addresses, devAccount(1).address)).jailed).toBe(false);
  });
});
