import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { siblingModule } from "@surety/protocol";
import { hashLevels, levelsOfBytes, SUBTREE_BYTES } from "./hash-levels.ts";
import { createSharedSlab, DONE, hashSubtreesOf, SLAB_BYTES, TAKEN } from "./shared-slab.ts";

/** More threads than this are not worth their memory. */
const MOST_THREADS = 8;
/** Below this, waking other threads takes longer than they would save. */
const SHARED_FROM_BYTES = 4 * SUBTREE_BYTES;
/** Threads end when there was nothing to hash for so long. */
const IDLE_MS = 10_000;
/** A subtree takes a fraction of a millisecond: a thread that has not finished one in this time is gone. */
const STALLED_MS = 10_000;

/** Fills the levels of a tensor's tree, made by `emptyLevels`. */
export type HashLevels = (bytes: Uint8Array, levels: readonly Uint8Array[]) => void;

export interface HashPool {
  /** Blocks the calling thread, which does its share, until all is hashed. */
  readonly hash: HashLevels;
  /** Ends the threads; the next `hash` starts others. */
  close(): void;
}

export interface HashPoolParameters {
  /** The calling one included. Default: one a core, at most 8. */
  readonly threads?: number;
  /** What the threads run. Default: hash-worker.ts. */
  readonly script?: URL;
  /** How long to wait for a thread that has taken a subtree, in milliseconds. Default: 10,000. */
  readonly stalledMs?: number;
}

/**
 * Threads that hash trees together with the thread that calls. They start when the first large tensor comes, do not keep the process alive, and end
 * when they have been idle for ten seconds. Whatever becomes of them, the hashes are right: what they leave undone the calling thread does.
 *
 * @example
 * const pool = createHashPool({ threads: 2 });
 * const tree = commitTensor(bytes, pool.hash);
 */
export function createHashPool(parameters: HashPoolParameters = {}): HashPool {
  const {
    threads = Math.min(availableParallelism(), MOST_THREADS),
    script = siblingModule("./hash-worker", import.meta.url),
    stalledMs = STALLED_MS,
  } = parameters;
  let open: ReturnType<typeof startThreads> | undefined;
  let idle: NodeJS.Timeout | undefined;

  function close(): void {
    clearTimeout(idle);
    open?.end();
    open = undefined;
  }

  function hash(bytes: Uint8Array, levels: readonly Uint8Array[]): void {
    if (threads < 2 || bytes.length < SHARED_FROM_BYTES) {
      hashLevels(bytes, levels);
      return;
    }
    open ??= startThreads(threads - 1, script, close);
    clearTimeout(idle);
    for (let start = 0; start < bytes.length; start += SLAB_BYTES) {
      const part = bytes.subarray(start, start + SLAB_BYTES);
      const target = levels.map((level, height) => level.subarray(start / 8 / 2 ** height));
      if (open?.hash(part, target, stalledMs) !== true) {
        close();
        hashLevels(part, levelsOfBytes(target, part.length));
      }
    }
    idle = setTimeout(close, IDLE_MS).unref();
  }

  return { hash, close };
}

function startThreads(count: number, script: URL, onFailure: () => void) {
  const slab = createSharedSlab();
  const { counts } = slab;
  const workers = Array.from({ length: count }, () => {
    const worker = new Worker(script, { workerData: slab });
    worker.on("error", onFailure);
    worker.unref();
    return worker;
  });
  return {
    /** @returns False when a thread has taken a part and not done it. */
    hash(bytes: Uint8Array, target: readonly Uint8Array[], stalledMs: number): boolean {
      const first = Atomics.load(counts, TAKEN);
      const job = { first, past: first + Math.ceil(bytes.length / SUBTREE_BYTES), length: bytes.length };
      slab.bytes.set(bytes);
      for (const worker of workers) worker.postMessage(job);
      hashSubtreesOf(slab, job);
      for (;;) {
        const done = Atomics.load(counts, DONE);
        if (done === job.past) break;
        if (Atomics.wait(counts, DONE, done, stalledMs) === "timed-out") return false;
      }
      for (const [height, level] of levelsOfBytes(slab.levels, bytes.length).entries())
        target[height]?.set(level);
      return true;
    },
    end(): void {
      for (const worker of workers) void worker.terminate();
    },
  };
}

const shared = createHashPool();

/** The calling thread's own pool. */
export const hashOnAllCores: HashLevels = shared.hash;
