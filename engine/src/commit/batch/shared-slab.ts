import { emptyLevels, hashSubtree, levelsOfBytes, levelsOfSubtree, SUBTREE_BYTES } from "./hash-levels.ts";

/** Bytes that several threads hash at a time. */
export const SLAB_BYTES = 128 * SUBTREE_BYTES;

/**
 * Memory that threads share. Subtrees are numbered through, from one slab to the next, so that a thread which comes late to a slab finds nothing of it left to
 * take, and can never write into the next one.
 */
export interface SharedSlab {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** As long as SLAB_BYTES need. */
  readonly levels: readonly Uint8Array[];
  /** At TAKEN: subtrees taken by some thread; at DONE: subtrees hashed. */
  readonly counts: Int32Array<SharedArrayBuffer>;
}

export const TAKEN = 0;
export const DONE = 1;

/** The slab's contents, as the numbers of its subtrees. */
export interface SlabJob {
  readonly first: number;
  /** One past the last. */
  readonly past: number;
  /** Bytes in it. */
  readonly length: number;
}

export function createSharedSlab(): SharedSlab {
  const shared = (length: number) => new Uint8Array(new SharedArrayBuffer(length));
  return {
    bytes: shared(SLAB_BYTES),
    levels: emptyLevels(SLAB_BYTES, shared),
    counts: new Int32Array(new SharedArrayBuffer(8)),
  };
}

/** Takes subtrees and hashes them until none is left. */
export function hashSubtreesOf(
  { bytes, levels, counts }: SharedSlab,
  { first, past, length }: SlabJob,
): void {
  const used = levelsOfBytes(levels, length);
  for (;;) {
    const taken = Atomics.load(counts, TAKEN);
    if (taken >= past) return;
    if (Atomics.compareExchange(counts, TAKEN, taken, taken + 1) !== taken) continue;
    const subtree = taken - first;
    const start = subtree * SUBTREE_BYTES;
    const end = Math.min(start + SUBTREE_BYTES, length);
    hashSubtree(bytes.subarray(start, end), levelsOfSubtree(used, subtree));
    Atomics.add(counts, DONE, 1);
    Atomics.notify(counts, DONE);
  }
}
