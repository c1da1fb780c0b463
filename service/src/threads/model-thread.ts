import { Worker } from "node:worker_threads";
import { FatalError, RetryableError } from "@surety/protocol";
import type { ResultMessage, Results, Task } from "./task.ts";

/** A thread that runs models, so that inference never holds up the chain, the clocks or the API. */
export interface ModelThread {
  /**
   * Does one task, in the order of the calls.
   *
   * @throws FatalError with the engine's code; RetryableError MODEL_THREAD_ENDED when the thread broke down: the next call starts another
   */
  ask<Kind extends Task["kind"]>(task: Task & { readonly kind: Kind }): Promise<Results[Kind]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export function startModelThread(): ModelThread {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let nextId = 1;

  function ended(which: Worker | undefined, why: string): void {
    if (worker !== which) return;
    worker = undefined;
    const error = new RetryableError("MODEL_THREAD_ENDED", `The thread that runs the models ended: ${why}.`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function start(): Worker {
    const started = new Worker(new URL("./model-worker.ts", import.meta.url));
    started.on("message", (message: ResultMessage) => {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.ok) call?.resolve(message.value as never);
      else call?.reject(new (message.retryable ? RetryableError : FatalError)(message.code, message.message));
    });
    started.on("error", (error) => ended(started, String(error)));
    started.on("exit", (code) => ended(started, `code ${code}`));
    return started;
  }

  return {
    ask(task) {
      worker ??= start();
      const active = worker;
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        active.postMessage({ id, task });
      });
    },
    async close() {
      const ending = worker;
      ended(ending, "it was closed");
      await ending?.terminate();
    },
  };
}
