import type { ModelId } from "@surety/protocol";

/** How long things take here, measured: a recent run counts a fifth, those before it the rest. */
export interface Estimates {
  /** A model ran so long, in seconds. */
  ran(modelId: ModelId, seconds: number): void;
  /** From an answer that is known to its place on the chain it took so long, in seconds. */
  posted(seconds: number): void;
  /** A worker with so many processes gave a result. */
  heardOf(worker: string, processes: number): void;
  /** Seconds; 0 where nothing was measured yet. */
  runSeconds(modelId: ModelId): number;
  postSeconds(): number;
  /** Processes that compute, this node's and those of the workers that gave a result in the last minute. */
  lanes(): number;
}

const WEIGHT = 0.2;
const HEARD_MS = 60_000;
/** A worker may say what it likes. */
const MOST_PROCESSES = 256;

export function createEstimates(
  ownProcesses: number,
  now: () => number = () => performance.now(),
): Estimates {
  const runs = new Map<ModelId, number>();
  const workers = new Map<string, { readonly processes: number; readonly at: number }>();
  let post: number | undefined;
  const mixed = (before: number | undefined, seconds: number) =>
    before === undefined ? seconds : before + WEIGHT * (seconds - before);
  return {
    ran: (modelId, seconds) => void runs.set(modelId, mixed(runs.get(modelId), seconds)),
    posted(seconds) {
      post = mixed(post, seconds);
    },
    heardOf: (worker, processes) =>
      void workers.set(worker, { processes: Math.min(processes, MOST_PROCESSES), at: now() }),
    runSeconds: (modelId) => runs.get(modelId) ?? 0,
    postSeconds: () => post ?? 0,
    lanes() {
      let lanes = ownProcesses;
      for (const [worker, { processes, at }] of workers) {
        if (now() - at > HEARD_MS) workers.delete(worker);
        else lanes += processes;
      }
      return lanes;
    },
  };
}
