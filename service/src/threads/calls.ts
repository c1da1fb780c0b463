import { FatalError, RetryableError } from "@surety/protocol";
import type { ResultMessage, TaskMessage } from "./messages.ts";

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Tasks that were sent to a thread or process, until their results come back. */
export interface Calls {
  /** Sends a task; the result by its number. */
  send<Task, Result>(task: Task, post: (message: TaskMessage<Task>) => void): Promise<Result>;
  settle(message: ResultMessage<unknown>): void;
  /** Fails all that wait. */
  fail(error: Error): void;
}

export function createCalls(): Calls {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  return {
    send(task, post) {
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        post({ id, task });
      });
    },
    settle(message) {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.ok) call?.resolve(message.value as never);
      else call?.reject(new (message.retryable ? RetryableError : FatalError)(message.code, message.message));
    },
    fail(error) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
}
