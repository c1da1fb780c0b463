import { parentPort } from "node:worker_threads";
import { assertNever, errorCode, isRetryable } from "@surety/protocol";
import { nextMove } from "../dispute/strategy.ts";
import { ownRun, programOutput, runOutput } from "./runs.ts";
import type { AnswerMessage, Answers, Task, TaskMessage } from "./task.ts";

async function answer(task: Task): Promise<Answers[Task["kind"]]> {
  switch (task.kind) {
    case "run":
      return runOutput(task);
    case "recheck":
      return programOutput(task);
    case "move": {
      const { view, traceRoot, revealed } = task;
      return nextMove({ view, traceRoot, revealed, own: await ownRun(task) });
    }
    default:
      return assertNever(task);
  }
}

/** One task at a time: models are large and a run uses every core it may. */
let tail: Promise<void> = Promise.resolve();

parentPort?.on("message", ({ id, task }: TaskMessage) => {
  const reply = (message: AnswerMessage) => parentPort?.postMessage(message);
  tail = tail
    .then(() => answer(task))
    .then(
      (value) => reply({ id, ok: true, value }),
      (error: unknown) =>
        reply({
          id,
          ok: false,
          code: errorCode(error),
          message: error instanceof Error ? error.message : String(error),
          fatal: !isRetryable(error),
        }),
    );
});
