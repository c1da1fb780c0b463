import { parentPort } from "node:worker_threads";
import { errorCode, isRetryable } from "@surety/protocol";
import type { ResultMessage, TaskMessage } from "./messages.ts";

/** Does the tasks that a `ModelThread` asks for, one at a time: models are large and a run uses every core it may. */
export function serveTasks<Task, Result>(perform: (task: Task) => Promise<Result>): void {
  let last: Promise<void> = Promise.resolve();
  const reply = (message: ResultMessage<Result>) => {
    if (parentPort !== null) parentPort.postMessage(message);
    else process.send?.(message, undefined, undefined, () => {});
  };
  const take = ({ id, task }: TaskMessage<Task>) => {
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
  };
  if (parentPort !== null) {
    parentPort.on("message", take);
    return;
  }
  process.on("message", take);
  // A terminal and systemd tell all processes at once: the one that started this decides when it ends.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  // Without its parent nobody wants the answer.
  process.once("disconnect", () => process.exit());
}
