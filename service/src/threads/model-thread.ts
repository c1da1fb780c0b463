import { Worker } from "node:worker_threads";
import { RetryableError } from "@surety/protocol";
import { createCalls } from "./calls.ts";
import type { ModelThreadData, ResultMessage } from "./messages.ts";

/** A thread or process that runs models, so that inference and hashing never hold up the chain, the clocks or the API. */
export interface ModelThread<Task extends { readonly kind: string }, Results> {
  /**
   * Does one task, in the order of the calls.
   *
   * @throws FatalError with the engine's code; RetryableError MODEL_THREAD_ENDED when the thread broke down: the next call starts another
   */
  ask<Kind extends Task["kind"] & keyof Results>(
    task: Task & { readonly kind: Kind },
  ): Promise<Results[Kind]>;
  close(): Promise<void>;
}

/**
 * @param script Of the thread; it calls `serveTasks`.
 * @param data For its `createOpenModels`
 */
export function startModelThread<Task extends { readonly kind: string }, Results>(
  script: URL,
  data?: ModelThreadData,
): ModelThread<Task, Results> {
  const calls = createCalls();
  let worker: Worker | undefined;

  function ended(which: Worker | undefined, why: string, cause?: unknown): void {
    if (worker !== which) return;
    worker = undefined;
    const text = `The thread that runs the models ended: ${why}.`;
    calls.fail(new RetryableError("MODEL_THREAD_ENDED", text, { cause }));
  }

  function start(): Worker {
    const started = new Worker(script, { workerData: data });
    started.on("message", (message: ResultMessage<unknown>) => calls.settle(message));
    started.on("error", (error) => ended(started, String(error), error));
    started.on("exit", (code) => ended(started, `code ${code}`));
    return started;
  }

  return {
    ask(task) {
      worker ??= start();
      const active = worker;
      return calls.send(task, (message) => active.postMessage(message));
    },
    async close() {
      const ending = worker;
      ended(ending, "it was closed");
      await ending?.terminate();
    },
  };
}
