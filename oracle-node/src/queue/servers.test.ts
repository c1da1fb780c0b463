import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@surety/chain/testing";
import { isRetryable } from "@surety/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hasPostgresServer, type PostgresServer, startPostgresServer } from "../testing/postgres-server.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../testing/redis-server.ts";
import type { JobQueue } from "./job-queue.ts";
import { openQueues } from "./open-queue.ts";

interface Job {
  readonly n: number;
}

const openAs = (url: string, owner = "node-a") => openQueues({ url, dataDir: "unused", owner });

/** Does every job of a queue; tells which. */
async function doAll(queue: JobQueue<Job>) {
  const done: number[] = [];
  await queue.work(
    async ({ n }) => {
      done.push(n);
    },
    { concurrency: 2, onFailure: () => {} },
  );
  return done;
}

const isReady = (queue: JobQueue<Job>) =>
  queue.counts().then(
    () => true,
    () => false,
  );

const SERVERS = [
  { kind: "redis", isHere: hasRedisServer(), startServer: () => startRedisServer("right") },
  { kind: "postgres", isHere: hasPostgresServer(), startServer: startPostgresServer },
];

describe.each(["redis", "postgres"])("openQueues %s, refused at the start", (kind) => {
  it("says where nobody answers, without the password", async () => {
    const port = await freePort();
    const error = await openAs(`${kind}://user:secret@127.0.0.1:${port}`).catch((thrown) => thrown);
    expect(error.code).toBe("QUEUE_UNREACHABLE");
    expect(isRetryable(error)).toBe(false);
    expect(error.shortMessage).toContain(`127.0.0.1:${port}`);
    expect(error.shortMessage).toContain("ECONNREFUSED");
    expect(error.shortMessage).not.toContain("secret");
  });
});

for (const { kind, isHere, startServer } of SERVERS)
  describe.skipIf(!isHere)(`openQueues ${kind}`, () => {
    let server: RedisServer | PostgresServer;
    beforeAll(async () => {
      server = await startServer();
    });
    beforeEach(async () => {
      await server.start();
      await server.clear();
    });
    afterAll(() => server.remove());

    it("says that a password is missing or wrong", async () => {
      for (const url of [server.url.replace("right@", "@"), server.url.replace("right@", "wrong@")]) {
        await expect(openAs(url)).rejects.toMatchObject({
          code: "QUEUE_UNREACHABLE",
          shortMessage: expect.stringMatching(/NOAUTH|WRONGPASS|password/),
        });
      }
      const host = await openAs(server.url);
      expect(await host.open("post").counts()).toEqual({ waiting: 0, active: 0, failed: 0 });
      await host.close();
    });

    it("keeps the jobs of two owners apart", async () => {
      const [first, second] = await Promise.all([openAs(server.url, "node-a"), openAs(server.url, "node-b")]);
      const queues = { a: first.open<Job>("inference"), b: second.open<Job>("inference") };
      const doneByB = await doAll(queues.b);
      await queues.a.add("request-1", { n: 1 });
      await queues.b.add("request-1", { n: 2 });
      await expect.poll(() => doneByB).toEqual([2]);
      await sleep(200);
      expect(doneByB).toEqual([2]);
      expect(await queues.a.counts()).toMatchObject({ waiting: 1 });
      await Promise.all([first.close(), second.close()]);
    });

    it("is not ready while the server is away, then goes on with what was added before and meanwhile", async () => {
      const host = await openAs(server.url);
      const queue = host.open<Job>("inference");
      const waiting = host.open<Job>("post");
      const done = await doAll(queue);
      await queue.add("job-1", { n: 1 });
      await waiting.add("job-2", { n: 2 });
      await expect.poll(() => done).toEqual([1]);

      await server.kill();
      await expect.poll(() => isReady(queue)).toBe(false);
      await expect(queue.counts()).rejects.toMatchObject({ code: "QUEUE_UNREACHABLE" });
      const added = queue.add("job-3", { n: 3 });
      await sleep(1_000);
      await server.start();

      await added;
      await expect.poll(() => isReady(queue), { timeout: 10_000 }).toBe(true);
      await expect.poll(() => done, { timeout: 10_000 }).toEqual([1, 3]);
      expect(await waiting.counts()).toMatchObject({ waiting: 1 });
      await host.close();
    });

    it("ends a job during which the server was gone for a moment", async () => {
      const host = await openAs(server.url);
      const queue = host.open<Job>("post");
      let starts = 0;
      const { promise: added, resolve: isAdded } = Promise.withResolvers<void>();
      await queue.work(
        async () => {
          starts++;
          // An add whose answer is lost is sent again, which may do the job twice: not what is tested here.
          await added;
          await server.kill();
          await sleep(200);
          await server.start();
        },
        { concurrency: 1, onFailure: () => {} },
      );
      await queue.add("job-1", { n: 1 });
      await expect.poll(() => starts).toBe(1);
      isAdded();
      await expect
        .poll(() => queue.counts().catch(() => undefined), { timeout: 40_000 })
        .toEqual({ waiting: 0, active: 0, failed: 0 });
      expect(starts).toBe(1);
      await host.close();
    });

    it("closes while the server is away", async () => {
      const host = await openAs(server.url);
      const queue = host.open<Job>("inference");
      await doAll(queue);
      await queue.add("job-1", { n: 1 });
      await server.kill();
      await expect.poll(() => isReady(queue)).toBe(false);
      const startedAtMs = performance.now();
      await host.close();
      expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    });
  });
