import { afterAll, describe, expect, it } from "vitest";
import type { TestResults, TestTask } from "../testing/test-worker.ts";
import { startModelThread } from "./model-thread.ts";
import { createRecent } from "./recent.ts";

const thread = startModelThread<TestTask, TestResults>(new URL("../testing/test-worker.ts", import.meta.url));
afterAll(() => thread.close());

describe("a model thread", () => {
  it("does one task at a time, in the order of the calls", async () => {
    const done = [30, 1].map((ms) => thread.ask({ kind: "wait", ms }));
    expect(await Promise.all(done)).toEqual([1, 2]);
  });

  it("passes on an error's code and whether to try again", async () => {
    const failure = (fatal: boolean) => thread.ask({ kind: "fail", fatal }).catch((error: Error) => error);
    expect(await failure(true)).toMatchObject({ name: "FatalError", code: "INPUT_LENGTH", message: "never" });
    expect(await failure(false)).toMatchObject({ name: "RetryableError", message: "later" });
  });

  it("fails what waits when the thread breaks down, and starts another for the next call", async () => {
    const waiting = [thread.ask({ kind: "break" }), thread.ask({ kind: "wait", ms: 0 })];
    for (const { reason } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ name: "RetryableError", code: "MODEL_THREAD_ENDED" });
    }
    expect(await thread.ask({ kind: "wait", ms: 0 })).toBe(1);
  });
});

describe("createRecent", () => {
  it("keeps the last values used, drops the others, and forgets a failed one", async () => {
    const dropped: string[] = [];
    let made = 0;
    const recent = createRecent<Promise<string>>(2, async (value) => {
      dropped.push(await value);
    });
    const get = (key: string) =>
      recent.get(key, async () => {
        made += 1;
        return key;
      });
    for (const key of ["a", "b", "a", "c", "a"]) await get(key);
    expect(dropped).toEqual(["b"]);
    expect(made).toBe(3);
    await recent.get("bad", () => Promise.reject(new Error("no"))).catch(() => {});
    expect(await recent.get("bad", async () => "mended")).toBe("mended");
  });
});
