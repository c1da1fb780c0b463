import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@surety/chain/testing";
import { FatalError } from "@surety/protocol";
import pg from "pg";

/** A PostgreSQL server of its own, on a free loopback port, that keeps its data over `kill` and `start`. */
export interface PostgresServer {
  /** With the password that it asks for. */
  readonly url: string;
  /** Nothing when it runs. */
  start(): Promise<void>;
  /** Ends all of its processes at once, as a power cut would. */
  kill(): Promise<void>;
  /** Forgets all data. */
  clear(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

const DEBIAN = "/usr/lib/postgresql";
const PASSWORD = "right";
const MOST_TRIES = 1_500;

/** Where Debian puts `initdb` and `postgres`: not on the path. */
function programs(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => path.join(DEBIAN, version, "bin"))
    .find((folder) => existsSync(path.join(folder, "initdb")));
}

/** Whether a PostgreSQL server is installed; says once on standard error how to get it when it is not. */
export function hasPostgresServer(): boolean {
  if (programs() !== undefined) return true;
  process.stderr.write(
    "SKIPPED: no PostgreSQL server is installed, so the queue on PostgreSQL is not tested. Debian: apt-get install -y postgresql\n",
  );
  return false;
}

/** The server refuses to be root; the account that Debian's package makes is another. */
function account(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync("id", [flag, "postgres"]).stdout.toString());
  return { uid: id("-u"), gid: id("-g") };
}

export async function startPostgresServer(): Promise<PostgresServer> {
  const folder = programs();
  if (folder === undefined) throw new FatalError("POSTGRES_FAILED", "No PostgreSQL server is installed.");
  const port = await freePort();
  const directory = mkdtempSync(path.join(tmpdir(), "surety-postgres-"));
  const user = account();
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = path.join(directory, "data");
  const passwordFile = path.join(directory, "password");
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  const made = spawnSync(
    path.join(folder, "initdb"),
    ["-D", data, "-U", "postgres", "--auth=scram-sha-256", "--no-sync", `--pwfile=${passwordFile}`],
    { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] },
  );
  if (made.status !== 0) throw new FatalError("POSTGRES_FAILED", `initdb: ${made.stderr}`);
  // Settings of the server's own but for where it listens: what was committed is on disk before the answer.
  const flags = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", directory];
  let child: ChildProcess | undefined;

  const server: PostgresServer = {
    url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`,
    async start() {
      for (let tries = 0; !(await answers(server.url)); tries++) {
        if (tries === MOST_TRIES) throw new FatalError("POSTGRES_FAILED", "postgres did not start.");
        // It refuses while processes of one that was killed still hold the memory they share.
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
          child = spawn(path.join(folder, "postgres"), flags, {
            ...{ ...user, cwd: directory, stdio: "ignore" },
            // A group of its own, so that all of it can be killed.
            detached: true,
          });
        }
        await sleep(20);
      }
    },
    async kill() {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      process.kill(-child.pid, "SIGKILL");
      await exited;
    },
    async clear() {
      const client = new pg.Client(server.url);
      await client.connect();
      await client.query("DROP SCHEMA IF EXISTS bullmq CASCADE");
      await client.end();
    },
    async remove() {
      process.off("exit", end);
      await server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  const end = () => void server.kill();
  process.once("exit", end);
  await server.start();
  return server;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
