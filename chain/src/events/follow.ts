import { setTimeout as sleep } from "node:timers/promises";
import { FatalError } from "@surety/protocol";
import { BlockNotFoundError, type Hex } from "viem";
import { contractEntries, type SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { GIVE_UP_AFTER_MS, retryRpc } from "../rpc/retry.ts";
import { type BlockRef, type ChainCursor, headOf } from "./cursor.ts";
import { decodeLogs, type SuretyLog } from "./surety-log.ts";

export type ChainEvent =
  /** Blocks up to `block` joined the chain, with these events in them, in order. */
  | {
      readonly type: "block";
      readonly block: ChainBlock;
      readonly logs: readonly SuretyLog[];
      readonly cursor: ChainCursor;
    }
  /** Blocks up to `block` can no longer be removed. */
  | { readonly type: "finalize"; readonly block: BlockRef; readonly cursor: ChainCursor }
  /** These blocks, newest first, were removed again; `ancestor` is the last that stayed. */
  | {
      readonly type: "reorg";
      readonly ancestor: BlockRef;
      readonly removed: readonly BlockRef[];
      readonly cursor: ChainCursor;
    };

export interface ChainBlock extends BlockRef {
  /** Unix seconds. */
  readonly timestamp: bigint;
  /** True when this was the chain's head when it was read: nothing newer is waiting. */
  readonly isHead: boolean;
}

export interface FollowChainParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  /** Where to go on. Default: `startBlock`. */
  readonly cursor?: ChainCursor | undefined;
  /** Without a cursor, the first block whose events are wanted. Default: 0. */
  readonly startBlock?: bigint;
  /** A block this deep is final. Default: 64. */
  readonly finalityBlocks?: number;
  /** Most blocks per request of logs. Default: 1,000. */
  readonly batchBlocks?: number;
  /** Called at every poll that finds nothing new: the stream is at the head. */
  readonly onIdle?: () => void;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

interface Header extends BlockRef {
  readonly parentHash: Hex;
  readonly timestamp: bigint;
}

/**
 * The contracts' events as a stream of `block | finalize | reorg`. Blocks that may still be removed are read one by one, each with its own
 * hash and checked against its parent; older ones in batches.
 *
 * @example
 * for await (const event of followChain({ chain, addresses, cursor })) { ...; save(event.cursor); }
 *
 * @throws FatalError RPC_UNREACHABLE, REORG_TOO_DEEP
 */
export async function* followChain(parameters: FollowChainParameters): AsyncGenerator<ChainEvent, void> {
  const { chain, signal } = parameters;
  const finalityBlocks = BigInt(parameters.finalityBlocks ?? 64);
  const batchBlocks = BigInt(parameters.batchBlocks ?? 1_000);
  const source = blockSource(parameters);
  let cursor: ChainCursor = parameters.cursor ?? [await source.anchor(parameters.startBlock ?? 0n)];

  const ended = () => signal?.aborted === true;
  const rest = () => sleep(chain.pollMs, undefined, signal === undefined ? {} : { signal });
  while (!ended()) {
    try {
      const head = await source.header("latest");
      const finalNumber = head.number > finalityBlocks ? head.number - finalityBlocks : 0n;
      const last = headOf(cursor);

      if (await wasRemoved(last, head, cursor, source)) {
        const rewound = await rewind(cursor, head, source);
        if (rewound === undefined) {
          await rest();
          continue;
        }
        cursor = rewound.cursor;
        yield rewound.event;
        continue;
      }
      if (last.number < finalNumber) {
        const end = last.number + batchBlocks < finalNumber ? last.number + batchBlocks : finalNumber;
        const block = await source.header(end);
        const logs = await source.logs({ fromBlock: last.number + 1n, toBlock: end });
        cursor = [...cursor, block].map(bare) as unknown as ChainCursor;
        yield { type: "block", block: { ...block, isHead: false }, logs, cursor };
      } else if (last.number < head.number) {
        const block = last.number + 1n === head.number ? head : await source.findHeader(last.number + 1n);
        const logs = block?.parentHash === last.hash ? await source.logsOf(block) : undefined;
        if (block === undefined || logs === undefined) {
          // The chain changed between two questions, or another RPC answered that is not as far: ask again.
          await rest();
          continue;
        }
        cursor = [...cursor, bare(block)];
        yield { type: "block", block: { ...block, isHead: block.number === head.number }, logs, cursor };
      } else {
        parameters.onIdle?.();
        await rest();
        continue;
      }
      const settled = settle(cursor, finalNumber);
      if (settled !== undefined) {
        cursor = settled;
        yield { type: "finalize", block: settled[0], cursor };
      }
    } catch (error) {
      if (ended()) return;
      throw error;
    }
  }
}

/**
 * Whether the last processed block left the chain. A head behind it proves nothing by itself (an RPC that lags): only another block where
 * one of ours stood does.
 */
async function wasRemoved(
  last: BlockRef,
  head: Header,
  cursor: ChainCursor,
  source: BlockSource,
): Promise<boolean> {
  if (head.number <= last.number) {
    const ours = cursor.find(({ number }) => number === head.number);
    return ours !== undefined && ours.hash !== head.hash;
  }
  if (head.number === last.number + 1n) return head.parentHash !== last.hash;
  const there = await source.findHeader(last.number);
  return there !== undefined && there.hash !== last.hash;
}

/** Finds the last processed block that is still in the chain; undefined when the RPC does not have the blocks below the head it told of. */
async function rewind(
  cursor: ChainCursor,
  head: Header,
  source: BlockSource,
): Promise<{ event: ChainEvent; cursor: ChainCursor } | undefined> {
  for (let keep = cursor.length - 1; keep >= 1; keep--) {
    const ancestor = cursor[keep - 1] as BlockRef;
    if (ancestor.number > head.number) continue;
    const there = await source.findHeader(ancestor.number);
    if (there === undefined) return undefined;
    if (there.hash !== ancestor.hash) continue;
    const kept = cursor.slice(0, keep) as unknown as ChainCursor;
    const removed = cursor.slice(keep).reverse();
    return { event: { type: "reorg", ancestor, removed, cursor: kept }, cursor: kept };
  }
  throw new FatalError(
    "REORG_TOO_DEEP",
    `Block ${cursor[0].number}, held to be final, is no longer in the chain. Is this still the same chain? Delete the stored place in the chain to start over.`,
  );
}

/** Drops the blocks before the newest final one; undefined when nothing became final. */
function settle(cursor: ChainCursor, finalNumber: bigint): ChainCursor | undefined {
  const index = cursor.findLastIndex(({ number }) => number <= finalNumber);
  return index <= 0 ? undefined : (cursor.slice(index) as unknown as ChainCursor);
}

function bare({ number, hash }: BlockRef): BlockRef {
  return { number, hash };
}

type BlockSource = ReturnType<typeof blockSource>;

function blockSource({ chain, addresses, signal }: FollowChainParameters) {
  const retry = signal === undefined ? chain.retry : { ...chain.retry, signal };
  const address = contractEntries(addresses).map(([, at]) => at);
  let refusedSince: number | undefined;

  async function header(at: bigint | "latest"): Promise<Header> {
    const block = await retryRpc(
      () => chain.client.getBlock(at === "latest" ? { blockTag: at } : { blockNumber: at }),
      retry,
    );
    return {
      number: block.number,
      hash: block.hash,
      parentHash: block.parentHash,
      timestamp: block.timestamp,
    };
  }

  async function findHeader(at: bigint): Promise<Header | undefined> {
    try {
      return await header(at);
    } catch (error) {
      if (error instanceof BlockNotFoundError) return undefined;
      throw error;
    }
  }

  return {
    header,
    /** The block before the first wanted one, or the first itself when it is block 0. */
    async anchor(startBlock: bigint): Promise<BlockRef> {
      return bare(await header(startBlock === 0n ? 0n : startBlock - 1n));
    },
    findHeader,
    async logs(range: { fromBlock: bigint; toBlock: bigint }): Promise<SuretyLog[]> {
      return decodeLogs(addresses, await retryRpc(() => chain.client.getLogs({ address, ...range }), retry));
    },
    /**
     * A block's logs; undefined when it left the chain meanwhile, or when the RPC refuses to tell: of several machines behind one address, one has told of the block and
     * another does not have it yet. Refusals that last as long as an outage may are thrown.
     */
    async logsOf(block: BlockRef): Promise<SuretyLog[] | undefined> {
      try {
        const logs = await retryRpc(() => chain.client.getLogs({ address, blockHash: block.hash }), retry);
        refusedSince = undefined;
        return decodeLogs(addresses, logs);
      } catch (error) {
        if (error instanceof FatalError || signal?.aborted === true) throw error;
        if ((await findHeader(block.number))?.hash !== block.hash) return undefined;
        refusedSince ??= performance.now();
        if (performance.now() - refusedSince > (retry.giveUpAfterMs ?? GIVE_UP_AFTER_MS)) {
          throw new FatalError(
            "RPC_UNREACHABLE",
            `The RPC tells of block ${block.number} and refuses its logs. Use another one.`,
            { cause: error },
          );
        }
        return undefined;
      }
    },
  };
}
