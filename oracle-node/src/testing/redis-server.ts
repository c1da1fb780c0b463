import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@surety/chain/testing";
import { FatalError } from "@surety/protocol";
import { Redis } from "ioredis";

/** A redis-server process of its own, on a free loopback port, that keeps its data over `kill` and `start`. */
export interface RedisServer {
  /** With the password, if it asks for one. */
  readonly url: string;
  /** Nothing when it runs. */
  start(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Stands still: it holds its connections and answers nothing. */
  freeze(): void;
  /** Goes on after `freeze`. */
  thaw(): void;
  /** Forgets all data. */
  clear(): Promise<void>;
  /** Hangs up on everybody. */
  disconnectAll(): Promise<void>;
  /** Takes no more data than it has, or as much as comes. */
  setFull(full: boolean): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Whether redis-server is installed; says once on standard error how to get it when it is not. */
export function hasRedisServer(): boolean {
  if (spawnSync("redis-server", ["--version"]).status === 0) return true;
  process.stderr.write(
    "SKIPPED: redis-server is not installed, so the queue on Redis is not tested. Debian: apt-get install -y redis-server\n",
  );
  return false;
}

const MOST_TRIES = 500;

/** @param password Asked of every client. */
export async function startRedisServer(password?: string): Promise<RedisServer> {
  const port = await freePort();
  const directory = mkdtempSync(path.join(tmpdir(), "surety-redis-"));
  const flags = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  // Every write reaches the disk before its answer, so that nothing answered is lost by a kill.
  flags.push("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction");
  if (password !== undefined) flags.push("--requirepass", password);
  let child: ChildProcess | undefined;
  const command = async (...[name, ...rest]: [string, ...string[]]) => {
    const redis = new Redis(server.url);
    try {
      await redis.call(name, ...rest);
    } finally {
      redis.disconnect();
    }
  };

  const killNow = () => child?.kill("SIGKILL");
  process.once("exit", killNow);

  const server: RedisServer = {
    url: `redis://${password === undefined ? "" : `:${password}@`}127.0.0.1:${port}`,
    async start() {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) return;
      child = spawn("redis-server", flags, { stdio: "ignore" });
      for (let tries = 0; !(await answers(port)); tries++) {
        if (tries === MOST_TRIES) throw new FatalError("REDIS_FAILED", "redis-server did not start.");
        await sleep(20);
      }
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    clear: () => command("FLUSHALL"),
    disconnectAll: () => command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
    setFull: (full) => command("CONFIG", "SET", "maxmemory", full ? "1" : "0"),
    async remove() {
      process.off("exit", killNow);
      await server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Whether it answers and has read its data; that it asks for a password is an answer too. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const signal = AbortSignal.timeout(1_000);
  try {
    await once(socket, "connect", { signal });
    socket.write("PING\r\n");
    const [answer] = await once(socket, "data", { signal });
    return /^(\+PONG|-NOAUTH)/.test(String(answer));
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
