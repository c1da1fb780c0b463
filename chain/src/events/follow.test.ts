import { SuretyError } from "@surety/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Chain, openChain } from "../rpc/client.ts";
import { devAccount } from "../testing/accounts.ts";
import { type Anvil, startAnvil } from "../testing/anvil.ts";
import { EMITTER_ADDRESSES, emitUnlocked, installEmitter, testClient } from "../testing/emitter.ts";
import { startRpcProxy } from "../testing/rpc-proxy.ts";
import { createTransactionManager, type TransactionManager } from "../transactions/manager.ts";
import { type ChainCursor, decodeCursor, encodeCursor } from "./cursor.ts";
import { type ChainEvent, type FollowChainParameters, followChain } from "./follow.ts";

let anvil: Anvil;
let chain: Chain;
let transactions: TransactionManager;
const operator = devAccount(5).address;

beforeEach(async () => {
  anvil = await startAnvil();
  chain = await openChain({ rpcUrl: anvil.url, chainId: 31337, pollMs: 20 });
  await installEmitter(anvil.url);
  transactions = createTransactionManager({ chain, account: devAccount(0) });
});
afterEach(() => anvil.stop());

/** Reads the stream until `done` says so. */
async function collect(
  options: Partial<FollowChainParameters>,
  done: (events: readonly ChainEvent[]) => boolean,
): Promise<ChainEvent[]> {
  const events: ChainEvent[] = [];
  const ended = new AbortController();
  for await (const event of followChain({
    chain,
    addresses: EMITTER_ADDRESSES,
    signal: ended.signal,
    ...options,
  })) {
    events.push(event);
    if (done(events)) ended.abort();
  }
  return events;
}

const emit = (amount: bigint) => transactions.send(emitUnlocked(operator, amount));
const amounts = (events: readonly ChainEvent[]) =>
  events.flatMap((event) =>
    event.type === "block"
      ? event.logs.map((log) => (log.eventName === "Unlocked" ? log.args.amountWei : undefined))
      : [],
  );
const atHead = (events: readonly ChainEvent[]) =>
  events.some((event) => event.type === "block" && event.block.isHead);

describe("followChain", () => {
  it("gives every event once, in order, across batches and the unfinal tip", async () => {
    for (let amount = 1n; amount <= 7n; amount++) {
      await emit(amount);
      if (amount === 4n) await testClient(anvil.url).mine({ blocks: 30 });
    }
    const events = await collect({ finalityBlocks: 3, batchBlocks: 4 }, atHead);
    expect(amounts(events)).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n]);
    expect(events.some(({ type }) => type === "finalize")).toBe(true);
    const log = events.flatMap((event) => (event.type === "block" ? event.logs : []))[0];
    expect(log).toMatchObject({
      contract: "operators",
      eventName: "Unlocked",
      args: { operator, amountWei: 1n },
    });
  });

  it("resumes where a stored cursor stands", async () => {
    await emit(1n);
    await emit(2n);
    const first = await collect({}, (events) => amounts(events).length === 1);
    const stored = encodeCursor(first.at(-1)?.cursor as ChainCursor);
    const rest = await collect({ cursor: decodeCursor(stored) }, (events) => amounts(events).length === 1);
    expect(amounts(rest)).toEqual([2n]);
  });

  it("reports a reorg with the blocks removed and reads the new branch", async () => {
    await emit(1n);
    await emit(2n);
    await emit(3n);
    let reorganised = false;
    const events = await collect({}, (seen) => {
      if (!reorganised && atHead(seen)) {
        reorganised = true;
        // Replaces the last two blocks by empty ones.
        void chain.client
          .request({ method: "anvil_reorg", params: [2, []] } as never)
          .then(() => testClient(anvil.url).mine({ blocks: 1 }));
      }
      return seen.at(-1)?.type === "block" && seen.some(({ type }) => type === "reorg") && isNewHead(seen);
    });
    const reorg = events.find((event) => event.type === "reorg");
    expect(reorg?.removed.map(({ number }) => number)).toEqual([3n, 2n]);
    expect(reorg?.ancestor.number).toBe(1n);
    expect(reorg?.cursor.at(-1)).toEqual(reorg?.ancestor);
    expect(amounts(events.slice(events.indexOf(reorg as ChainEvent)))).toEqual([]);
  });

  it("goes on when an RPC for a while has another hash of a block than it can give the logs of", async () => {
    const proxy = await startRpcProxy(anvil.url);
    const pooled = await openChain({ rpcUrl: proxy.url, pollMs: 20, retry: { giveUpAfterMs: 10_000 } });
    await emit(1n);
    const forked = await chain.client.getBlockNumber();
    proxy.misbehave({ kind: "fork-from", block: forked });
    setTimeout(() => proxy.misbehave({ kind: "none" }), 300);
    expect(amounts(await collect({ chain: pooled }, atHead))).toEqual([1n]);

    const hasty = await openChain({ rpcUrl: proxy.url, pollMs: 20, retry: { giveUpAfterMs: 200 } });
    proxy.misbehave({ kind: "fork-from", block: forked });
    await expect(collect({ chain: hasty }, () => false)).rejects.toMatchObject({ code: "RPC_UNREACHABLE" });
    await proxy.close();
  });

  it("refuses a chain that lost a final block", async () => {
    const cursor: ChainCursor = [{ number: 0n, hash: `0x${"ab".repeat(32)}` }];
    await emit(1n);
    await emit(2n);
    await expect(collect({ cursor }, () => false)).rejects.toMatchObject({ code: "REORG_TOO_DEEP" });
  });

  it("goes on after an outage shorter than its patience and gives up after a longer one", async () => {
    const patient = await openChain({ rpcUrl: anvil.url, pollMs: 20, retry: { giveUpAfterMs: 15_000 } });
    const port = Number(new URL(anvil.url).port);
    const seen: ChainEvent[] = [];
    const ended = new AbortController();
    const reading = (async () => {
      for await (const event of followChain({
        chain: patient,
        addresses: EMITTER_ADDRESSES,
        signal: ended.signal,
      })) {
        seen.push(event);
        if (atHead(seen)) ended.abort();
      }
    })();
    await anvil.stop();
    anvil = await startAnvil({ port });
    await testClient(anvil.url).mine({ blocks: 2 });
    await reading.catch((error: SuretyError) => expect(error.code).toBe("REORG_TOO_DEEP"));

    const hasty = await openChain({ rpcUrl: anvil.url, pollMs: 20, retry: { giveUpAfterMs: 300 } });
    await anvil.stop();
    const failure = collect({ chain: hasty }, () => false);
    await expect(failure).rejects.toBeInstanceOf(SuretyError);
    await expect(failure).rejects.toMatchObject({ code: "RPC_UNREACHABLE" });
  });
});

function isNewHead(events: readonly ChainEvent[]): boolean {
  const last = events.at(-1);
  return last?.type === "block" && last.block.isHead && last.block.number >= 4n;
}
