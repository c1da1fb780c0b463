/** How long the chain's head has stood still: an RPC that goes on answering with an old head looks alive. */
export interface HeadWatch {
  /** Takes in a block's number. */
  saw(head: bigint): void;
  ageSeconds(): number;
  isStale(): boolean;
}

/**
 * @param staleAfterSeconds 0 for never, as on a development chain, which makes blocks when asked.
 * @param now Milliseconds of a clock that never jumps.
 */
export function createHeadWatch(
  staleAfterSeconds: number,
  now: () => number = () => performance.now(),
): HeadWatch {
  let head = -1n;
  let movedAt = now();
  const ageSeconds = () => (now() - movedAt) / 1_000;
  return {
    saw(next) {
      // After a reorg it may be lower: that is a move too.
      if (next !== head) movedAt = now();
      head = next;
    },
    ageSeconds,
    isStale: () => staleAfterSeconds > 0 && ageSeconds() > staleAfterSeconds,
  };
}
