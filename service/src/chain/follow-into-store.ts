import { type Chain, type ChainBlock, followChain, type SuretyAddresses } from "@surety/chain";
import type { Store } from "../store/store.ts";

export interface WatchChainParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly store: Store;
  /** Where to begin when the store is empty. */
  readonly startBlock: bigint;
  readonly finalityBlocks: number;
  readonly signal: AbortSignal;
  /** Told of every batch of blocks once it is stored; `isHead` says whether more wait. */
  readonly onBlock: (block: ChainBlock) => void;
  readonly onReorg: (depth: number) => void;
}

/** Follows the chain into the store until the signal ends it. */
export async function watchChain(parameters: WatchChainParameters): Promise<void> {
  const { store, onBlock, onReorg, ...rest } = parameters;
  for await (const event of followChain({ ...rest, cursor: store.cursor() })) {
    store.apply(event);
    if (event.type === "block") onBlock(event.block);
    if (event.type === "reorg") onReorg(event.removed.length);
  }
}
