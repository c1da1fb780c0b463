import { FatalError, RetryableError } from "@surety/protocol";
import { expect, it } from "vitest";
import { createLogger } from "../log/logger.ts";
import { until } from "../testing/until.ts";
import { createSelfTest } from "./self-test.ts";

it("is good until a test fails, tells of it once, and is good again when a test is right", async () => {
  let failure: Error | undefined;
  const told: unknown[] = [];
  let runs = 0;
  const test = createSelfTest({
    async run() {
      runs++;
      if (failure !== undefined) throw failure;
    },
    log: createLogger("test", "silent"),
    everySeconds: 0.01,
    onFailed: (error) => told.push(error),
  });
  expect(test.isGood()).toBe(true);
  await until("it ran", async () => runs > 1);
  expect(test.isGood()).toBe(true);
  failure = new RetryableError("MODEL_PROCESS_ENDED", "Killed.");
  const cut = runs;
  await until("it was cut short", async () => runs > cut + 1);
  expect(test.isGood()).toBe(true);
  failure = new FatalError("GOLDEN_MISMATCH", "Another answer.");
  await until("it failed", async () => !test.isGood());
  const before = runs;
  await until("it ran again", async () => runs > before + 1);
  expect(told).toEqual([failure]);
  failure = undefined;
  await until("it is good", async () => test.isGood());
  test.stop();
  failure = new Error("unseen");
  const stopped = runs;
  await new Promise((done) => setTimeout(done, 50));
  expect(runs).toBeLessThanOrEqual(stopped + 1);
  expect(told.length).toBe(1);
});
