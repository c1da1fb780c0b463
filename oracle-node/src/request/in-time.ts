/** What is to be computed. */
export interface Work {
  /** Unix time in seconds. */
  readonly deadline: number;
  /** How long it runs. */
  readonly seconds: number;
}

export interface Capacity {
  /** The chain's time, in seconds. */
  readonly nowSeconds: number;
  /** How many are computed at once. */
  readonly lanes: number;
  /** From the answer to its place on the chain. */
  readonly postSeconds: number;
}

/**
 * Which works can be finished in time when the one with the nearest deadline is done first, as the queue does it: before each stand those with nearer deadlines
 * that are in time themselves. One that is not gets no time, which leaves it to the others.
 */
export function inTime<Given extends Work>(
  works: readonly Given[],
  { nowSeconds, lanes, postSeconds }: Capacity,
): { readonly doable: Given[]; readonly late: Given[] } {
  const doable: Given[] = [];
  const late: Given[] = [];
  let ahead = 0;
  for (const work of [...works].sort((a, b) => a.deadline - b.deadline)) {
    const finished = nowSeconds + ahead / lanes + work.seconds + postSeconds;
    if (finished > work.deadline) {
      late.push(work);
      continue;
    }
    ahead += work.seconds;
    doable.push(work);
  }
  return { doable, late };
}
