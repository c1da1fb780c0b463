import { type Chain, type ChainEvent, followChain } from "@surety/chain";
import type { Alerts } from "../alerts/alerts.ts";
import type { Logger } from "../log/logger.ts";
import type { ServiceMetrics } from "../metrics/service-metrics.ts";
import type { ServiceOptions } from "../options/service-options.ts";
import type { LockedStore } from "../store/locked-store.ts";
import type { HeadWatch } from "./head-watch.ts";

export interface FollowIntoStoreParameters {
  readonly chain: Chain;
  readonly options: Pick<ServiceOptions, "addresses" | "startBlock" | "finalityBlocks">;
  readonly store: Pick<LockedStore, "cursor" | "apply">;
  readonly metrics: Pick<ServiceMetrics, "headBlock" | "headAgeSeconds" | "reorgs">;
  readonly head: HeadWatch;
  readonly log: Logger;
  readonly alerts: Alerts;
  readonly signal: AbortSignal;
  /** Told of every event once it is stored. */
  readonly onEvent: (event: ChainEvent) => void;
  /** Called at every poll that finds nothing new. */
  readonly onIdle?: () => void;
}

/** Follows the chain into the store until the signal ends it. */
export async function followIntoStore(parameters: FollowIntoStoreParameters): Promise<void> {
  const { chain, options, store, metrics, head, log, alerts, signal, onEvent, onIdle } = parameters;
  let wasStale = false;
  const watchHead = (number?: bigint) => {
    if (number !== undefined) head.saw(number);
    metrics.headAgeSeconds.set(head.ageSeconds());
    if (head.isStale() && !wasStale) {
      const facts = { ageSeconds: Math.round(head.ageSeconds()) };
      log.error(facts, "the head stands still");
      alerts.raise("head-stale", "critical", "The chain's head stands still: look at the RPCs.", facts);
    }
    wasStale = head.isStale();
  };
  const stream = followChain({
    chain,
    addresses: options.addresses,
    cursor: store.cursor(),
    startBlock: options.startBlock ?? 0n,
    finalityBlocks: options.finalityBlocks ?? 64,
    signal,
    onIdle() {
      watchHead();
      onIdle?.();
    },
  });
  for await (const event of stream) {
    store.apply(event);
    if (event.type === "block") {
      metrics.headBlock.set(Number(event.block.number));
      watchHead(event.block.number);
    }
    if (event.type === "reorg") {
      metrics.reorgs.inc();
      log.warn({ depth: event.removed.length, ancestor: Number(event.ancestor.number) }, "reorg undone");
    }
    onEvent(event);
  }
}
