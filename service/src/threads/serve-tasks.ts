import { parentPort } from "node:worker_threads";
import { errorCode, isRetryable } from "@surety/protocol";
import type { ResultMessage, TaskMessage } from "./messages.ts";

/** Does the tasks that a `ModelThread` asks for, one at a time: models are large and a run uses every core it may. */
export function serveTasks<Task, Result>(perform: (task: Task) => Promise<Result>): void {
  let last: Promise<void> = Promise.resolve();
  parentPort?.on("message", ({ id, task }: TaskMessage<Task>) => {
    const reply = (message: ResultMessage<Result>) => parentPort?.postMessage(message);
    last = last
      .then(() => perform(task))
      .then(
        (value) => reply({ id, ok: true, value }),
        (error: unknown) =>
          reply({
            id,
            ok: false,
            code: errorCode(error),
            message: error instanceof Error ? error.message : String(error),
            retryable: isRetryable(error),
          }),
      );
  });
}
