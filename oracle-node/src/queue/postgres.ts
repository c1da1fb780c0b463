import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { FatalError, RetryableError } from "@surety/protocol";
import { createPostgresBackend, type PgPool, runMigrations } from "bullmq";
import pg from "pg";
import type { Backend } from "./open-queue.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 8_000;
const LONGEST_WAIT_MS = 1_000;
/** Connections for commands, beside one for each queue that is worked on. */
const COMMAND_CONNECTIONS = 8;
/** Where BullMQ's tables are, whoever uses the database. */
const SCHEMA = "bullmq";
/** SQLSTATE classes of a server that is going, coming or full: connection exception, operator intervention, insufficient resources. */
const PASSING = /^(08|57|53)/;

/**
 * A PostgreSQL server as BullMQ's store. Makes its tables, in the schema `bullmq` of the URL's database, where they are missing.
 *
 * @throws FatalError QUEUE_UNREACHABLE
 */
export async function connectPostgres(url: string): Promise<Backend> {
  const options = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // BullMQ's commands name their tables without the schema.
    options: `-c search_path=${SCHEMA}`,
    application_name: "surety",
  };
  const commands = new pg.Pool({ ...options, max: COMMAND_CONNECTIONS });
  // A worker holds one to be told of new jobs: of a pool that it shared with the commands it would leave none to them.
  const listeners = new pg.Pool({ ...options, max: Number.MAX_SAFE_INTEGER });
  // What breaks an idle connection is met again by the next command; without a listener it would end the process.
  for (const pool of [commands, listeners]) pool.on("error", () => {});
  const end = async () => {
    await Promise.all([commands.end(), listeners.end()]);
  };
  try {
    const client = await commands.connect();
    await runMigrations(client, SCHEMA).finally(() => client.release());
  } catch (cause) {
    await end();
    const { host, port } = new pg.Client(options);
    // Host and port, for the URL may hold a password.
    throw new FatalError(
      "QUEUE_UNREACHABLE",
      `The queue's PostgreSQL at ${host}:${port} is no use: ${reasonOf(cause)}. Start it, or check --queue.`,
      { cause },
    );
  }

  let isUp = true;
  let isClosed = false;
  /** Waits for a server that is away, as ioredis does: what BullMQ asks has no other effect when it is asked twice. */
  async function persistently<Value>(ask: () => Promise<Value>): Promise<Value> {
    for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        const value = await ask();
        isUp = true;
        return value;
      } catch (error) {
        if (isClosed || !mayPass(error)) throw error;
        isUp = false;
        await sleep(waitMs, undefined, { ref: false });
      }
    }
  }
  const pool = {
    // BullMQ waits for news without asking again, since a connection that broke says so.
    options: { keepAlive: true },
    query: (text: string, params?: unknown[]) => persistently(() => commands.query(text, params)),
    connect: () => persistently(() => listeners.connect()),
    end,
    on: (event: "error", listener: (error: Error) => void) => commands.on(event, listener),
    removeAllListeners: () => pool,
  };
  return {
    connection: pool as unknown as PgPool,
    factory: createPostgresBackend,
    // PostgreSQL has no prefix for keys, and no place for a long one in the name of a channel.
    queueName: (owner, name) => `${createHash("sha256").update(owner).digest("hex").slice(0, 24)}-${name}`,
    isUp: () => isUp,
    async whileUp(ask) {
      const away = () => new RetryableError("QUEUE_UNREACHABLE", "The queue's PostgreSQL is out of reach.");
      if (!isUp) {
        await commands.query("SELECT 1").catch(() => Promise.reject(away()));
        isUp = true;
      }
      const given = new AbortController();
      const lost = sleep(ANSWER_TIMEOUT_MS, undefined, { signal: given.signal }).then(() =>
        Promise.reject(away()),
      );
      lost.catch(() => {});
      const looking = lookOut(() => !isUp, given.signal).then(() => Promise.reject(away()));
      looking.catch(() => {});
      return Promise.race([ask(), lost, looking]).finally(() => given.abort());
    },
    async close() {
      isClosed = true;
      await end();
    },
  };
}

/** Resolves when it is so, looked at every 50 ms. */
async function lookOut(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  while (!isSo()) await sleep(50, undefined, { signal });
}

/** Whether the server may answer the same question later: it is away, or busy coming and going. */
function mayPass(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || PASSING.test(error.code ?? "");
}

/** Of several addresses of one name each has its own reason. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return (error as Error).message;
}
