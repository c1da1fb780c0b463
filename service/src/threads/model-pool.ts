import type { ModelThread } from "./model-thread.ts";

/** Several threads or processes that each do one task at a time. */
export interface ModelPool<Task extends { readonly kind: string }, Results> {
  /** How many there are. */
  readonly size: number;
  /**
   * Does a task in the first that is free. Of the tasks that wait the one that is due first is taken, and of several the oldest.
   *
   * @param due When the result is wanted, in any unit. Default: before all others.
   * @throws What its thread's or process's `ask` throws
   */
  ask<Kind extends Task["kind"] & keyof Results>(
    task: Task & { readonly kind: Kind },
    due?: number,
  ): Promise<Results[Kind]>;
  /**
   * Does a task in every one: the first before the others, for they may need what it leaves on disk.
   *
   * @returns The first one's result.
   */
  askAll<Kind extends Task["kind"] & keyof Results>(
    task: Task & { readonly kind: Kind },
  ): Promise<Results[Kind]>;
  close(): Promise<void>;
}

interface Waiting<Task extends { readonly kind: string }, Results> {
  readonly due: number;
  readonly run: (thread: ModelThread<Task, Results>) => Promise<unknown>;
}

/** @param start One of them; it may start it later, by its first task. */
export function createModelPool<Task extends { readonly kind: string }, Results>(
  size: number,
  start: () => ModelThread<Task, Results>,
): ModelPool<Task, Results> {
  const threads = Array.from({ length: size }, start);
  const free = [...threads];
  const waiting: Waiting<Task, Results>[] = [];

  function next(): void {
    const thread = free[0];
    const first = waiting.reduce<number>(
      (best, { due }, index) => (due < (waiting[best]?.due ?? Number.POSITIVE_INFINITY) ? index : best),
      0,
    );
    const task = waiting[first];
    if (thread === undefined || task === undefined) return;
    free.shift();
    waiting.splice(first, 1);
    void task.run(thread).finally(() => {
      // The one that is warm from its last task is the first to get another.
      free.unshift(thread);
      next();
    });
    next();
  }

  return {
    size,
    ask(task, due = Number.NEGATIVE_INFINITY) {
      return new Promise((resolve, reject) => {
        waiting.push({ due, run: (thread) => thread.ask(task).then(resolve, reject) });
        next();
      });
    },
    async askAll(task) {
      const [first, ...others] = threads as [ModelThread<Task, Results>, ...ModelThread<Task, Results>[]];
      const result = await first.ask(task);
      await Promise.all(others.map((thread) => thread.ask(task)));
      return result;
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
