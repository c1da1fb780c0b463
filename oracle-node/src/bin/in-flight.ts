/** Runs keyed tasks in the background, each key once at a time, and waits for them at the end. */
export interface InFlight {
  /** Starts the task unless one of the same key is running. */
  start(key: string, task: () => Promise<void>): void;
  /** Resolves when nothing runs any more. */
  drained(): Promise<void>;
}

/** @param onError Told of every failure; the task may be started again. */
export function createInFlight(onError: (key: string, error: unknown) => void): InFlight {
  const running = new Map<string, Promise<void>>();
  return {
    start(key, task) {
      if (running.has(key)) return;
      const run = task()
        .catch((error: unknown) => onError(key, error))
        .finally(() => running.delete(key));
      running.set(key, run);
    },
    async drained() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
