/** The chain's time between two blocks: that of the newest block and what has passed here since it was seen. */
export interface ChainClock {
  /** Takes in a new head's timestamp, in Unix seconds. */
  sync(timestamp: bigint): void;
  nowSeconds(): number;
}

export function createChainClock(monotonicMs: () => number = () => performance.now()): ChainClock {
  let seconds = 0;
  let seenAt = monotonicMs();
  return {
    sync(timestamp) {
      seconds = Number(timestamp);
      seenAt = monotonicMs();
    },
    nowSeconds: () => seconds + Math.floor((monotonicMs() - seenAt) / 1_000),
  };
}
