import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { followChain } from "../events/follow.ts";
import { devAccount } from "../testing/accounts.ts";
import { type Anvil, startAnvil } from "../testing/anvil.ts";
import { EMITTER_ADDRESSES, emitUnlocked, installEmitter, testClient } from "../testing/emitter.ts";
import { type RpcProxy, startRpcProxy } from "../testing/rpc-proxy.ts";
import { createTransactionManager } from "../transactions/manager.ts";
import { type Chain, openChain } from "./client.ts";
import type { EndpointEvent } from "./endpoint-pool.ts";

let anvil: Anvil;
let proxies: RpcProxy[];
let events: EndpointEvent[];

beforeEach(async () => {
  anvil = await startAnvil();
  await testClient(anvil.url).mine({ blocks: 40 });
  proxies = await Promise.all([0, 1, 2].map(() => startRpcProxy(anvil.url)));
  events = [];
});
afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await anvil.stop();
});

const proxy = (index: number) => proxies[index] as RpcProxy;
const hostOf = (index: number) => new URL(proxy(index).url).host;
const mine = (blocks: number) => testClient(anvil.url).mine({ blocks });

function open(count: number): Promise<Chain> {
  return openChain({
    rpcUrl: proxies.slice(0, count).map(({ url }) => url),
    pollMs: 20,
    checkMs: 50,
    timeoutMs: 300,
    retry: { giveUpAfterMs: 5_000 },
    onEndpoint: (event) => events.push(event),
  });
}

/** Asks for blocks until an endpoint is in the state, as a service's polling does. */
async function untilState(chain: Chain, index: number, fault: string | undefined): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    await chain.client.getBlockNumber().catch(() => {});
    if (chain.endpoints()[index]?.fault === fault) return;
    await sleep(25);
  }
  throw new Error(`Endpoint ${index} is ${chain.endpoints()[index]?.fault}, not ${fault}.`);
}

describe("openEndpointPool", () => {
  it("asks the preferred endpoint, the next when it does not answer, and the first again when it is back", async () => {
    const chain = await open(2);
    await chain.client.getBalance({ address: devAccount(0).address });
    expect(proxy(1).seen.get("eth_getBalance")).toBeUndefined();
    for (const kind of ["silent", "hang-up"] as const) {
      proxy(0).misbehave({ kind });
      expect(await chain.client.getBlockNumber()).toBe(40n);
      expect(chain.endpoints()[0]?.fault).toBe("unreachable");
      proxy(0).misbehave({ kind: "none" });
      await untilState(chain, 0, undefined);
    }
    const ofFirst = events.filter(({ endpoint }) => endpoint === hostOf(0));
    expect(ofFirst.map(({ type }) => type)).toEqual(["dropped", "restored", "dropped", "restored"]);
  });

  it("leaves an endpoint alone that is asked too often", async () => {
    const chain = await open(2);
    proxy(0).misbehave({ kind: "status", status: 429, retryAfterSeconds: 20 });
    await chain.client.getBalance({ address: devAccount(0).address });
    expect(events).toContainEqual({ type: "dropped", endpoint: hostOf(0), fault: "limited" });
    const asked = proxy(0).seen.get("eth_getBalance");
    for (let i = 0; i < 5; i++) await chain.client.getBalance({ address: devAccount(i).address });
    expect(proxy(0).seen.get("eth_getBalance")).toBe(asked);
  });

  it("refuses at the start an endpoint on another chain, and drops one that changes it later", async () => {
    proxy(1).misbehave({ kind: "chain-id", chainId: 5 });
    await expect(open(2)).rejects.toMatchObject({
      code: "WRONG_CHAIN",
      shortMessage: expect.stringContaining(hostOf(1)),
    });
    proxy(1).misbehave({ kind: "none" });
    const chain = await open(2);
    proxy(0).misbehave({ kind: "chain-id", chainId: 5 });
    await untilState(chain, 0, "wrong-chain");
    expect(await chain.client.getChainId()).toBe(31337);
  });

  it("drops an endpoint whose blocks are not those of the others, wherever it stands", async () => {
    const chain = await open(3);
    for (const index of [0, 2]) {
      proxy(index).misbehave({ kind: "fork-from", block: 20n });
      await untilState(chain, index, "forked");
      const { hash } = await chain.client.getBlock({ blockNumber: 30n });
      expect(hash.slice(2, 34)).not.toBe("f0".repeat(16));
      proxy(index).misbehave({ kind: "none" });
      await untilState(chain, index, undefined);
    }
  });

  it("drops an endpoint that stands still or tells of blocks that nobody else has", async () => {
    const chain = await open(3);
    proxy(0).misbehave({ kind: "stuck-at", block: 40n });
    await mine(20);
    await untilState(chain, 0, "off-head");
    expect(await chain.client.getBlockNumber()).toBe(60n);
    proxy(0).misbehave({ kind: "ahead-by", blocks: 1_000n });
    await untilState(chain, 0, "off-head");
    expect((await chain.client.getBlock()).number).toBe(60n);
    proxy(0).misbehave({ kind: "none" });
    await untilState(chain, 0, undefined);
  });

  it("gives transactions to all, so that one which passes none on does no harm", async () => {
    const chain = await open(2);
    await installEmitter(anvil.url);
    proxy(0).misbehave({ kind: "drop-transactions" });
    const manager = createTransactionManager({ chain, account: devAccount(0) });
    const { status } = await manager.send(emitUnlocked(devAccount(5).address, 1n));
    expect(status).toBe("success");
  });

  it("follows the chain through a change to an endpoint that is behind: no block is taken back", async () => {
    await installEmitter(anvil.url);
    const chain = await open(2);
    const ended = new AbortController();
    const kinds: string[] = [];
    let head = 0n;
    const following = (async () => {
      const stream = followChain({
        chain,
        addresses: EMITTER_ADDRESSES,
        signal: ended.signal,
        finalityBlocks: 8,
      });
      for await (const event of stream) {
        kinds.push(event.type);
        if (event.type === "block") head = event.block.number;
      }
    })();
    const until = async (block: bigint) => {
      for (let tries = 0; head < block && tries < 400; tries++) await sleep(25);
      expect(head).toBe(block);
    };
    await until(40n);
    proxy(1).misbehave({ kind: "stuck-at", block: 38n });
    await mine(3);
    await until(43n);
    proxy(0).misbehave({ kind: "hang-up" });
    await sleep(500);
    proxy(0).misbehave({ kind: "none" });
    await mine(1);
    await until(44n);
    ended.abort();
    await following;
    expect(kinds).not.toContain("reorg");
  });

  it("says that no endpoint answers once its patience is over", async () => {
    const chain = await open(2);
    for (const index of [0, 1]) proxy(index).misbehave({ kind: "status", status: 503 });
    const following = followChain({
      chain: { ...chain, retry: { giveUpAfterMs: 500 } },
      addresses: EMITTER_ADDRESSES,
    });
    await expect(following.next()).rejects.toMatchObject({ code: "RPC_UNREACHABLE" });
  });
});
