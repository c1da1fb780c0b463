import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite, types } from "@electric-sql/pglite";
import { createPostgresBackend, LATEST_SCHEMA_VERSION, type PgPool, runMigrations } from "bullmq";
import type { Backend } from "./open-queue.ts";
import { pglitePool } from "./pglite-pool.ts";

/**
 * BullMQ's PostgreSQL backend inside this process: nothing to install or start. PGlite does not guard its files against a second process; the
 * node's store, which is opened first, does.
 *
 * One that cannot be opened is set aside for a new one: chain and store know what is to be done.
 */
export async function openEmbedded(dataDir: string): Promise<Backend> {
  const folder = join(dataDir, "queue");
  const { pglite, pool } = await openOrReplace(folder);
  return {
    connection: pool,
    factory: createPostgresBackend,
    isUp: () => true,
    whileUp: (ask) => ask(),
    close: () => pglite.close(),
  };
}

interface Opened {
  readonly pglite: PGlite;
  readonly pool: PgPool;
}

async function openOrReplace(folder: string): Promise<Opened> {
  if (!existsSync(folder)) await makeFolder(folder);
  try {
    return await open(folder);
  } catch {
    // A power cut in the middle of a write, say: PGlite does not wait for the disk.
    renameSync(folder, `${folder}.unreadable-${Date.now()}`);
    await makeFolder(folder);
    return open(folder);
  }
}

async function open(folder: string): Promise<Opened> {
  const pglite = await PGlite.create({
    dataDir: folder,
    // As node-postgres gives them, which BullMQ is written for.
    parsers: { [types.INT8]: (value: string) => value },
  });
  try {
    const pool = pglitePool(pglite);
    await runMigrations(pool);
    // One session for every client: BullMQ's commands name their tables without the schema.
    await pglite.exec("SET search_path TO bullmq");
    return { pglite, pool };
  } catch (error) {
    await pglite.close();
    throw error;
  }
}

/** A copy of the machine's template, there only when it is whole: a process may be killed at any time. Making a database anew takes seconds. */
async function makeFolder(folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const beginning = `${folder}.new`;
  rmSync(beginning, { recursive: true, force: true });
  const template = await findTemplate();
  if (template === undefined) await (await open(beginning)).pglite.close();
  else cpSync(template, beginning, { recursive: true });
  renameSync(beginning, folder);
}

/** The template of this account on this machine; made by whoever needs it first. Undefined where there is no place for it. */
async function findTemplate(): Promise<string | undefined> {
  const library = dirname(fileURLToPath(import.meta.resolve("@electric-sql/pglite")));
  const { version } = JSON.parse(readFileSync(join(library, "../package.json"), "utf8"));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "surety");
  const template = join(cache, `queue-${version}-${LATEST_SCHEMA_VERSION}`);
  if (existsSync(template)) return template;
  const beginning = `${template}.${randomUUID()}`;
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
  } catch {
    return undefined;
  }
  try {
    await (await open(beginning)).pglite.close();
    renameSync(beginning, template);
  } catch {
    // Another process was faster, or the disk is full: that shows again where the copy is made.
    rmSync(beginning, { recursive: true, force: true });
  }
  return existsSync(template) ? template : undefined;
}
