import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createInFlight } from "./in-flight.ts";

describe("createInFlight", () => {
  it("runs a job once at a time, and never more than its limit", async () => {
    let finish = () => {};
    const started: string[] = [];
    const jobs = createInFlight(2, () => 0);
    const start = (key: string) =>
      jobs.start(
        key,
        () => {
          started.push(key);
          return new Promise<void>((resolve) => {
            finish = resolve;
          });
        },
        () => {},
      );
    for (const key of ["a", "a", "b", "c"]) start(key);
    expect(started).toEqual(["a", "b"]);
    finish();
    await setImmediate();
    start("c");
    expect(started).toEqual(["a", "b", "c"]);
    expect(jobs.size).toBe(2);
  });

  it("lets a failed job rest, twice as long each time, and forgets that when it succeeds", async () => {
    let time = 0;
    let runs = 0;
    let fails = true;
    const errors: unknown[] = [];
    const jobs = createInFlight(Number.POSITIVE_INFINITY, () => time);
    const at = async (ms: number) => {
      time = ms;
      jobs.start(
        "a",
        async () => {
          runs += 1;
          if (fails) throw new Error("not now");
        },
        (error) => errors.push(error),
      );
      await jobs.drained();
      return runs;
    };
    expect(await at(0)).toBe(1);
    expect(await at(499)).toBe(1);
    expect(await at(500)).toBe(2);
    expect(await at(1_499)).toBe(2);
    fails = false;
    expect(await at(1_500)).toBe(3);
    expect(await at(1_500)).toBe(4);
    expect(errors).toHaveLength(2);
  });
});
