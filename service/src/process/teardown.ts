/** Undoes what was set up, last first; a step that fails does not keep the others from running. */
export interface Teardown {
  add(step: () => void | Promise<void>): void;
  run(): Promise<void>;
}

export function createTeardown(): Teardown {
  const steps: (() => void | Promise<void>)[] = [];
  return {
    add(step) {
      steps.push(step);
    },
    async run() {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step();
        } catch {
          // What could not be closed ends with the process.
        }
      }
    },
  };
}
