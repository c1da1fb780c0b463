import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fuzzCount, fuzzSeed, randomFrom } from "../../../contracts/test/support/random.ts";
import { hasPostgresServer, startPostgresServer } from "../testing/postgres-server.ts";
import { hasRedisServer, startRedisServer } from "../testing/redis-server.ts";

vi.setConfig({ testTimeout: 600_000 });

const CHILD = join(import.meta.dirname, "../testing/queue-child.ts");
const KILLS = fuzzCount(2);
const JOBS = 40;
/** A job whose process was killed is given to another after 10 s. */
const STALLED_MS = 60_000;

const BACKENDS = [
  { backend: "embedded", isHere: true, startServer: undefined },
  { backend: "redis", isHere: hasRedisServer(), startServer: () => startRedisServer() },
  { backend: "postgres", isHere: hasPostgresServer(), startServer: startPostgresServer },
];

for (const { backend, isHere, startServer } of BACKENDS)
  describe.skipIf(!isHere)(`a queue's process that is killed, ${backend}`, () => {
    let folder: string;
    let server: Awaited<ReturnType<NonNullable<typeof startServer>>> | undefined;
    let child: ChildProcess | undefined;
    beforeAll(async () => {
      server = await startServer?.();
    });
    afterAll(() => server?.remove());
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "surety-kill-"));
    });
    afterEach(() => {
      child?.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    });

    it(`loses no job that it said it has, ${KILLS} times`, async () => {
      const seed = fuzzSeed();
      const random = randomFrom(seed);
      const added = new Set<number>();
      const done = new Set<number>();
      for (let kill = 0; kill <= KILLS; kill++) {
        const isLast = kill === KILLS;
        const args = [server?.url ?? "embedded", folder, String(kill * JOBS), isLast ? "0" : String(JOBS)];
        const started = spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "pipe", "inherit"] });
        child = started;
        const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
        createInterface({ input: started.stdout }).on("line", (line) => {
          const [what, n] = line.split(" ");
          if (what === "ready") isReady();
          if (what === "added") added.add(Number(n));
          if (what === "done") done.add(Number(n));
        });
        await ready;
        const killAt = random.int(1, JOBS - 1);
        const before = added.size;
        const lost = () => [...added].filter((n) => !done.has(n));
        if (isLast) await expect.poll(lost, { timeout: STALLED_MS, message: `seed ${seed}` }).toEqual([]);
        else
          await expect
            .poll(() => added.size - before, { timeout: STALLED_MS, interval: 1 })
            .toBeGreaterThanOrEqual(killAt);
        const gone = once(started, "close");
        started.kill("SIGKILL");
        await gone;
      }
      expect(added.size).toBeGreaterThan(0);
    });
  });
