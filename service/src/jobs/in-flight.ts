/** At most one run of a job for each key; a failed one rests before it may run again, twice as long after every failure. */
export function createInFlight(limit = Number.POSITIVE_INFINITY, now: () => number = Date.now) {
  const running = new Map<string, Promise<void>>();
  const resting = new Map<string, { readonly until: number; readonly waitMs: number }>();
  return {
    /** Starts the job unless it runs already, rests, or `limit` others run. */
    start(key: string, job: () => Promise<void>, onError: (error: unknown) => void): void {
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
    /** Resolves when nothing runs any more. */
    async idle(): Promise<void> {
      while (running.size > 0) await Promise.allSettled([...running.values()]);
    },
  };
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
