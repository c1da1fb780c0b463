/** Keyed jobs in the background. */
export interface InFlight {
  /** Starts the job unless it runs already, rests, or as many others run as may. */
  start(key: string, job: () => Promise<void>, onError: (error: unknown) => void): void;
  /** How many run. */
  readonly size: number;
  /** Resolves when nothing runs any more. */
  drained(): Promise<void>;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * At most one run of a job for each key; a failed one rests before it may run again, twice as long after every failure.
 *
 * @param limit Most jobs at a time.
 */
export function createInFlight(
  limit = Number.POSITIVE_INFINITY,
  now: () => number = () => performance.now(),
): InFlight {
  const running = new Map<string, Promise<void>>();
  const resting = new Map<string, { readonly until: number; readonly waitMs: number }>();
  return {
    start(key, job, onError) {
      if (running.size >= limit || running.has(key) || now() < (resting.get(key)?.until ?? 0)) return;
      const done = job().then(
        () => {
          resting.delete(key);
        },
        (error: unknown) => {
          const waitMs = Math.min(2 * (resting.get(key)?.waitMs ?? FIRST_WAIT_MS / 2), LONGEST_WAIT_MS);
          resting.set(key, { until: now() + waitMs, waitMs });
          onError(error);
        },
      );
      running.set(key, done);
      void done.finally(() => running.delete(key));
    },
    get size() {
      return running.size;
    },
    async drained() {
      while (running.size > 0) await Promise.allSettled([...running.values()]);
    },
  };
}
