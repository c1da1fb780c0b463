import { setTimeout as sleep } from "node:timers/promises";
import { type Anvil, startAnvil, testClient } from "@surety/chain/testing";
import type { Hex } from "viem";
import { createMutex } from "../../../chain/src/transactions/mutex.ts";

/** A chain process whose blocks are made here, one by one, so that it can be halted, rewritten, killed and aged. */
export interface HandMinedChain {
  readonly url: string;
  /** Makes a block every `BLOCK_MS`, one second after the last by its own time. */
  run(): void;
  halt(): void;
  mine(blocks: number): Promise<void>;
  /** Lets the chain's time pass: the next block is so many seconds later. */
  age(seconds: number): Promise<void>;
  /**
   * Replaces the last blocks by as many others: with the transactions of the old ones a block later, with the first half of them, or without.
   * What is left out is gone from the pool too.
   */
  reorg(depth: number, keep: "all" | "some" | "none"): Promise<void>;
  /** kill -9, and a start from the state before the last so many blocks; nothing pending survives. */
  crash(lostBlocks: number): Promise<void>;
  close(): Promise<void>;
}

const MINER = "0x00000000000000000000000000000000000c0de0";
/** The chain lives five times as fast as its users; on a machine that is busy with other things, slower. */
const BLOCK_MS = 200;
/** Of the time that passes, how much the making of blocks may take. */
const MINING_SHARE = 0.05;

export async function startHandMinedChain(): Promise<HandMinedChain> {
  let anvil: Anvil = await startAnvil();
  const { url } = anvil;
  const client = testClient(url);
  const oneAtATime = createMutex();
  let running = false;
  let closed = false;
  /** The oldest block whose state the process has: after a crash it knows of none before. */
  let oldestState = 0n;

  const ask = <Value>(method: string, params: unknown[]): Promise<Value> =>
    client.request({ method, params } as never) as Promise<Value>;
  const block = async (at: bigint | "latest", full = false) =>
    ask<{ number: Hex; timestamp: Hex; transactions: { hash: Hex }[] }>("eth_getBlockByNumber", [
      typeof at === "bigint" ? toHex(at) : at,
      full,
    ]);
  const head = async () => BigInt((await block("latest")).number);

  async function setUp(): Promise<void> {
    await ask("anvil_setBlockTimestampInterval", [1]);
    // Else tips go to the zero address, where bonds are burned.
    await client.setCoinbase({ address: MINER });
  }
  await setUp();

  const loop = (async () => {
    let waitMs = BLOCK_MS;
    while (!closed) {
      await sleep(waitMs);
      if (!running) continue;
      const startedAt = performance.now();
      // A chain that is just being killed makes no block.
      await oneAtATime(() => client.mine({ blocks: 1 })).catch(() => {});
      waitMs = Math.min(Math.max((performance.now() - startedAt) / MINING_SHARE, BLOCK_MS), 10 * BLOCK_MS);
    }
  })();

  async function rawTransactions(first: bigint, last: bigint): Promise<{ raw: Hex; offset: number }[]> {
    const found = [];
    for (let number = first; number <= last; number++) {
      for (const { hash } of (await block(number, true)).transactions) {
        const raw = await ask<Hex>("eth_getRawTransactionByHash", [hash]);
        found.push({ raw, offset: Number(number - first) });
      }
    }
    return found;
  }

  return {
    url,
    run() {
      running = true;
    },
    halt() {
      running = false;
    },
    mine: (blocks) =>
      oneAtATime(async () => {
        for (let i = 0; i < blocks; i++) await client.mine({ blocks: 1 });
      }),
    age: (seconds) =>
      oneAtATime(async () => {
        // What is on its way was sent before the time passes.
        await client.mine({ blocks: 1 });
        const { timestamp } = await block("latest");
        await client.setNextBlockTimestamp({ timestamp: BigInt(timestamp) + BigInt(seconds) });
        await client.mine({ blocks: 1 });
      }),
    reorg: (wanted, keep) =>
      oneAtATime(async () => {
        const last = await head();
        const known = Number(last - oldestState);
        const depth = Math.min(wanted, known);
        if (depth < 1) return;
        const old = await rawTransactions(last - BigInt(depth) + 1n, last);
        const kept = keep === "none" ? [] : keep === "some" ? old.slice(0, Math.floor(old.length / 2)) : old;
        const later = kept.map(({ raw, offset }) => [raw, Math.min(offset + 1, depth - 1)]);
        await ask("anvil_reorg", [depth, later]);
      }),
    crash: (lostBlocks) =>
      oneAtATime(async () => {
        const state = await ask<Hex>("anvil_dumpState", []);
        for (let i = 0; i < lostBlocks; i++) {
          await client.mine({ blocks: 1 });
          await sleep(BLOCK_MS);
        }
        await anvil.stop();
        anvil = await startAnvil({ port: Number(new URL(url).port) });
        await client.setAutomine(false);
        await ask("anvil_loadState", [state]);
        oldestState = await head();
        const { timestamp } = await block("latest");
        await client.setNextBlockTimestamp({ timestamp: BigInt(timestamp) + 1n });
        await setUp();
      }),
    async close() {
      closed = true;
      await loop;
      await anvil.stop();
    },
  };
}

function toHex(value: bigint): Hex {
  return `0x${value.toString(16)}`;
}
