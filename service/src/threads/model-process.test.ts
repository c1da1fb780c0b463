import { availableParallelism } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import type { TestResults, TestTask } from "../testing/test-worker.ts";
import { createModelPool, type ModelPool } from "./model-pool.ts";
import { startModelProcess } from "./model-process.ts";

const script = new URL("../testing/test-worker.ts", import.meta.url);
const MEGABYTE = 2 ** 20;
const closing: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(closing.splice(0).map((thing) => thing.close())));

function start(options: Parameters<typeof startModelProcess>[1] = {}) {
  const started = startModelProcess<TestTask, TestResults>(script, options);
  closing.push(started);
  return started;
}

describe("a model process", () => {
  it("does one task at a time, passes errors on, and is replaced when it ends", async () => {
    const one = start();
    expect(await Promise.all([30, 1].map((ms) => one.ask({ kind: "wait", ms })))).toEqual([1, 2]);
    await expect(one.ask({ kind: "fail", fatal: true })).rejects.toMatchObject({
      ...{ name: "FatalError", code: "INPUT_LENGTH", message: "never" },
    });
    await expect(one.ask({ kind: "break" })).rejects.toMatchObject({
      name: "RetryableError",
      code: "MODEL_PROCESS_ENDED",
      message: expect.stringContaining("exit code 3"),
    });
    expect(await one.ask({ kind: "wait", ms: 0 })).toBe(1);
  });

  it.runIf(process.platform === "linux")(
    "is replaced when it takes more memory than allowed, wherever that is",
    async () => {
      const one = start({ memoryBytes: 300 * MEGABYTE });
      expect(await one.ask({ kind: "keep", bytes: 20 * MEGABYTE })).toBe(1);
      const error = await one.ask({ kind: "keep", bytes: 400 * MEGABYTE }).catch((thrown) => thrown);
      expect(error).toMatchObject({ name: "RetryableError", code: "MODEL_PROCESS_MEMORY" });
      expect(error.message).toContain("300 MB");
      // What is asked again is done by a new one, which has kept nothing.
      expect(await one.ask({ kind: "keep", bytes: 20 * MEGABYTE })).toBe(1);
    },
  );

  it("is told nothing of this process's options", async () => {
    process.env.SURETY_PRIVATE_KEY = "secret";
    const one = start();
    try {
      expect(await one.ask({ kind: "environment" })).not.toContain("SURETY_PRIVATE_KEY");
    } finally {
      delete process.env.SURETY_PRIVATE_KEY;
    }
  });
});

describe("a pool of model processes", () => {
  const open = (size: number): ModelPool<TestTask, TestResults> => {
    const pool = createModelPool(size, () => startModelProcess<TestTask, TestResults>(script));
    closing.push(pool);
    return pool;
  };

  it("does as many tasks at once as it has processes, and no more", async () => {
    const pool = open(2);
    await pool.askAll({ kind: "wait", ms: 0 });
    const ask = () => pool.ask({ kind: "wait", ms: 300 });
    const startedAt = performance.now();
    await Promise.all([ask(), ask(), ask(), ask()]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(600);
    const numbers = await Promise.all([ask(), ask()]);
    // Each process counts its own: both did some.
    expect(numbers).toEqual([4, 4]);
  });

  it("does what is due first, and of the same the oldest", async () => {
    const pool = open(1);
    const done: string[] = [];
    const ask = (name: string, due?: number) =>
      pool.ask({ kind: "wait", ms: 0 }, due).then(() => done.push(name));
    await Promise.all([ask("running", 9), ask("late", 3), ask("soon", 1), ask("soon too", 1), ask("now")]);
    expect(done).toEqual(["running", "now", "soon", "soon too", "late"]);
  });

  it("goes on when a process ends", async () => {
    const pool = open(Math.min(2, availableParallelism()));
    const all = await Promise.allSettled([
      pool.ask({ kind: "break" }),
      ...Array.from({ length: 5 }, () => pool.ask({ kind: "wait", ms: 0 })),
    ]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", ...Array(5).fill("fulfilled")]);
  });
});
