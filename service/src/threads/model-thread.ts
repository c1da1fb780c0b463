import { Worker } from "node:worker_threads";
import { FatalError, RetryableError } from "@surety/protocol";
import type { ModelThreadData, ResultMessage, TaskMessage } from "./messages.ts";

/** A thread that runs models, so that inference and hashing never hold up the chain, the clocks or the API. */
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

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * @param script Of the thread; it calls `serveTasks`.
 * @param data For its `createOpenModels`
 */
export function startModelThread<Task extends { readonly kind: string }, Results>(
  script: URL,
  data?: ModelThreadData,
): ModelThread<Task, Results> {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let nextId = 1;

  function ended(which: Worker | undefined, why: string, cause?: unknown): void {
    if (worker !== which) return;
    worker = undefined;
    const text = `The thread that runs the models ended: ${why}.`;
    const error = new RetryableError("MODEL_THREAD_ENDED", text, { cause });
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function start(): Worker {
    const started = new Worker(script, { workerData: data });
    started.on("message", (message: ResultMessage<unknown>) => {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.ok) call?.resolve(message.value as never);
      else call?.reject(new (message.retryable ? RetryableError : FatalError)(message.code, message.message));
    });
    started.on("error", (error) => ended(started, String(error), error));
    started.on("exit", (code) => ended(started, `code ${code}`));
    return started;
  }

  return {
    ask(task) {
      worker ??= start();
      const active = worker;
      const message: TaskMessage<Task> = { id: nextId++, task };
      return new Promise((resolve, reject) => {
        waiting.set(message.id, { resolve, reject });
        active.postMessage(message);
      });
    },
    async close() {
      const ending = worker;
      ended(ending, "it was closed");
      await ending?.terminate();
    },
  };
}
