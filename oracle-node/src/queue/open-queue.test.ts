import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FatalError, RetryableError } from "@surety/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { hasPostgresServer, startPostgresServer } from "../testing/postgres-server.ts";
import { hasRedisServer, startRedisServer } from "../testing/redis-server.ts";
import type { QueueHost, WorkOptions } from "./job-queue.ts";
import { openQueues } from "./open-queue.ts";

const BACKENDS = [
  { backend: "embedded", isHere: true, startServer: undefined },
  { backend: "redis", isHere: hasRedisServer(), startServer: () => startRedisServer() },
  { backend: "postgres", isHere: hasPostgresServer(), startServer: startPostgresServer },
];

for (const { backend, isHere, startServer } of BACKENDS)
  describe.skipIf(!isHere)(`openQueues ${backend}`, () => {
    let folder: string;
    let server: Awaited<ReturnType<NonNullable<typeof startServer>>> | undefined;
    let queues: QueueHost;

    const openAs = (owner: string, waits = {}) =>
      openQueues({ url: server?.url ?? "embedded", dataDir: folder, owner, ...waits });
    async function open() {
      queues = await openAs("node-a");
    }

    beforeAll(async () => {
      server = await startServer?.();
    });
    afterAll(() => server?.remove());
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "surety-queue-"));
      await server?.clear();
      await open();
    });
    afterEach(async () => {
      await queues.close();
      rmSync(folder, { recursive: true });
    });

    const none = { concurrency: 2, onFailure: () => {} };

    it("does every job once, though added twice, and wakes an idle worker at once", async () => {
      const queue = queues.open<{ n: number }>("inference");
      const done: number[] = [];
      let resolve = () => {};
      const all = new Promise<void>((r) => {
        resolve = r;
      });
      queue.work(async ({ n }) => {
        done.push(n);
        if (done.length === 5) resolve();
      }, none);
      await new Promise((r) => setTimeout(r, 300));
      const startedAt = performance.now();
      for (const n of [1, 2, 3, 4, 5]) {
        await queue.add(`job-${n}`, { n });
        await queue.add(`job-${n}`, { n });
      }
      await all;
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
    });

    it("does the job that is due first, and first of all those that are not due", async () => {
      const queue = queues.open<{ n: number }>("inference");
      const now = Math.floor(Date.now() / 1_000);
      for (const n of [300, 100, 200, 5_000_000, 99]) await queue.add(`job-${n}`, { n }, now + n);
      await queue.add("job-0", { n: 0 });
      expect(await queue.counts()).toEqual({ waiting: 6, active: 0, failed: 0 });
      const done: number[] = [];
      await queue.work(async ({ n }) => void done.push(n), { ...none, concurrency: 1 });
      await expect.poll(() => done).toEqual([0, 99, 100, 200, 300, 5_000_000]);
    });

    it("orders jobs that wait from an epoch of priorities to the next", async () => {
      const dayMs = 86_400_000;
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
      const before = queues.open<{ n: number }>("inference");
      const now = Math.floor(Date.now() / 1_000);
      await before.add("job-20", { n: 20 }, now + 20 * 86_400);
      vi.setSystemTime(Date.now() + 13 * dayMs);
      await before.add("job-19", { n: 19 }, now + 19 * 86_400);
      await before.add("job-21", { n: 21 }, now + 21 * 86_400);
      vi.useRealTimers();
      const done: number[] = [];
      await before.work(async ({ n }) => void done.push(n), { ...none, concurrency: 1 });
      await expect.poll(() => done).toEqual([19, 20, 21]);
    });

    it("keeps jobs across a restart", async () => {
      await queues.open<{ n: number }>("post").add("job-7", { n: 7 });
      await queues.close();
      await open();
      const queue = queues.open<{ n: number }>("post");
      expect(await queue.counts()).toMatchObject({ waiting: 1 });
      const seen = await new Promise<number>((resolve) => queue.work(async ({ n }) => resolve(n), none));
      expect(seen).toBe(7);
    });

    it("tries again what may pass and ends what never can", async () => {
      const queue = queues.open<{ kind: string }>("post");
      const failures: [string, string, boolean][] = [];
      const attempts = { pass: 0, never: 0 };
      const ended = new Promise<void>((resolve) => {
        queue.work(
          async ({ kind }) => {
            if (kind === "never") {
              attempts.never++;
              throw new FatalError("MODEL_REFUSED", "no");
            }
            if (++attempts.pass === 1) throw new RetryableError("BUSY", "later");
            resolve();
          },
          {
            concurrency: 1,
            onFailure: ({ kind }, error, isFinal) =>
              failures.push([kind, (error as FatalError).code, isFinal]),
          },
        );
      });
      await queue.add("a-never", { kind: "never" });
      await queue.add("a-pass", { kind: "pass" });
      await ended;
      expect(attempts).toEqual({ pass: 2, never: 1 });
      expect(failures).toEqual([
        ["never", "MODEL_REFUSED", true],
        ["pass", "BUSY", false],
      ]);
    });

    it("does a job that failed for good again only once that is forgotten", async () => {
      const queue = queues.open<{ n: number }>("post");
      let attempts = 0;
      queue.work(
        async () => {
          attempts++;
          throw new FatalError("RPC_UNREACHABLE", "no");
        },
        { concurrency: 1, onFailure: () => {} },
      );
      const failed = async () => {
        while ((await queue.counts()).failed < 1) await new Promise((r) => setTimeout(r, 20));
      };
      await queue.add("job-1", { n: 1 });
      await failed();
      await queue.add("job-1", { n: 1 });
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0, failed: 1 });
      await queue.forgetFailed();
      await queue.add("job-1", { n: 1 });
      await failed();
      expect(attempts).toBe(2);
    });

    it("takes a job again whose error did not pass in all of its attempts", async () => {
      await queues.close();
      queues = await openAs("node-a", { firstWaitMs: 5 });
      const queue = queues.open<{ n: number }>("post");
      let attempts = 0;
      const over = () =>
        new Promise<void>((resolve) => {
          onFailure = (_data, _error, isFinal) => isFinal && resolve();
        });
      let onFailure: WorkOptions<{ n: number }>["onFailure"] = () => {};
      await queue.work(
        async () => {
          attempts++;
          throw new RetryableError("STAKE_LOCKED", "not yet");
        },
        { concurrency: 1, onFailure: (...failure) => onFailure(...failure) },
      );
      const first = over();
      await queue.add("job-1", { n: 1 });
      await first;
      await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, failed: 0 });
      const second = over();
      await queue.add("job-1", { n: 1 });
      await second;
      expect(attempts).toBe(16);
    });

    it("keeps jobs that wait for another attempt across a restart", async () => {
      const before = queues.open<{ n: number }>("post");
      const failed = new Promise<void>((resolve) => {
        before.work(
          async () => {
            throw new RetryableError("BUSY", "later");
          },
          { concurrency: 1, onFailure: () => resolve() },
        );
      });
      await before.add("job-1", { n: 1 });
      await failed;
      await queues.close();
      await open();
      const seen = await new Promise<number>((resolve) =>
        queues.open<{ n: number }>("post").work(async ({ n }) => resolve(n), none),
      );
      expect(seen).toBe(1);
    });
  });

describe("openQueues embedded, whose files are broken", () => {
  it("sets them aside and begins anew", async () => {
    const folder = mkdtempSync(join(tmpdir(), "surety-queue-"));
    const open = () => openQueues({ url: "embedded", dataDir: folder, owner: "node-a" });
    const before = await open();
    await before.open("post").add("job-1", { n: 1 });
    await before.close();
    for (const file of readdirSync(join(folder, "queue/global")))
      writeFileSync(join(folder, "queue/global", file), "no");
    const after = await open();
    expect(await after.open("post").counts()).toEqual({ waiting: 0, active: 0, failed: 0 });
    await after.close();
    expect(readdirSync(folder)).toEqual(["queue", expect.stringMatching(/^queue\.unreadable-\d+$/)]);
    rmSync(folder, { recursive: true });
  });
});

describe("openQueues", () => {
  it("refuses other queue URLs", async () => {
    await expect(openQueues({ url: "amqp://host", dataDir: ".", owner: "node-a" })).rejects.toMatchObject({
      code: "QUEUE_URL_UNSUPPORTED",
    });
  });
});
