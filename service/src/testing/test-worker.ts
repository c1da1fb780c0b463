import { setTimeout as sleep } from "node:timers/promises";
import { FatalError, RetryableError } from "@surety/protocol";
import { serveTasks } from "../threads/serve-tasks.ts";

/** What the thread of the tests can be asked. */
export type TestTask =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "fail"; readonly fatal: boolean }
  | { readonly kind: "break" };

export interface TestResults {
  /** How many waits are done. */
  readonly wait: number;
  readonly fail: never;
  readonly break: never;
}

let waits = 0;

serveTasks(async (task: TestTask): Promise<number> => {
  switch (task.kind) {
    case "wait":
      await sleep(task.ms);
      waits += 1;
      return waits;
    case "fail":
      // Codes that exist: every code in the sources stands in docs/errors.md.
      throw task.fatal
        ? new FatalError("INPUT_LENGTH", "never")
        : new RetryableError("MODEL_THREAD_ENDED", "later");
    case "break":
      return process.exit(3);
  }
});
