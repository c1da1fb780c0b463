import { setTimeout as sleep } from "node:timers/promises";
import { FatalError, RetryableError } from "@surety/protocol";
import { serveTasks } from "../threads/serve-tasks.ts";

/** What the thread of the tests can be asked. */
export type TestTask =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "fail"; readonly fatal: boolean }
  | { readonly kind: "break" }
  /** Names of the variables it has. */
  | { readonly kind: "environment" }
  /** Keeps so much memory, in bytes, outside of JavaScript's heap. */
  | { readonly kind: "keep"; readonly bytes: number };

export interface TestResults {
  /** How many waits are done. */
  readonly wait: number;
  readonly fail: never;
  readonly break: never;
  readonly keep: number;
  readonly environment: string[];
}

let waits = 0;
const kept: Buffer[] = [];

serveTasks(async (task: TestTask): Promise<number | string[]> => {
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
    case "environment":
      return Object.keys(process.env);
    case "keep":
      // Filled, so that it is resident.
      kept.push(Buffer.alloc(task.bytes, 1));
      // The memory is looked at ten times a second.
      await sleep(500);
      return kept.length;
  }
});
