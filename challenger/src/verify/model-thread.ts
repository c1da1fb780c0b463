import { Worker } from "node:worker_threads";
import { FatalError, RetryableError } from "@surety/protocol";
import type { AnswerMessage, Answers, Task } from "./task.ts";

export interface ModelThread {
  /**
   * Runs one task in the worker thread, in the order of the calls.
   *
   * @throws FatalError with the engine's code; RetryableError MODEL_THREAD_ENDED when the thread broke down: the next call starts another
   */
  ask<Kind extends Task["kind"]>(task: Extract<Task, { kind: Kind }>): Promise<Answers[Kind]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that runs models, so that inference and hashing never hold up the chain, the clock or the API. */
export function startModelThread(): ModelThread {
  let worker: Worker | undefined;
  let nextId = 1;
  const waiting = new Map<number, Waiting>();

  function failAll(error: Error): void {
    worker = undefined;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function start(): Worker {
    const started = new Worker(new URL("./model-worker.ts", import.meta.url));
    started.on("message", (message: AnswerMessage) => {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.ok) call?.resolve(message.value as never);
      else call?.reject(new (message.fatal ? FatalError : RetryableError)(message.code, message.message));
    });
    started.on("error", (cause) =>
      failAll(
        new RetryableError("MODEL_THREAD_ENDED", `The model thread failed: ${String(cause)}.`, { cause }),
      ),
    );
    started.on("exit", (code) => {
      if (worker === started) {
        failAll(new RetryableError("MODEL_THREAD_ENDED", `The model thread ended with code ${code}.`));
      }
    });
    return started;
  }

  return {
    ask(task) {
      worker ??= start();
      const id = nextId++;
      const active = worker;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        active.postMessage({ id, task });
      });
    },
    async close() {
      const ending = worker;
      failAll(new RetryableError("MODEL_THREAD_ENDED", "The model thread was closed."));
      await ending?.terminate();
    },
  };
}
