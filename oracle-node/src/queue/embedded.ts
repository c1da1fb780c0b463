import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PGlite, types } from "@electric-sql/pglite";
import { createPostgresBackend, runMigrations } from "bullmq";
import type { Backend } from "./open-queue.ts";
import { pglitePool } from "./pglite-pool.ts";

/**
 * BullMQ's PostgreSQL backend inside this process: nothing to install or start. PGlite does not guard its files against a second process; the
 * node's store, which is opened first, does.
 */
export async function openEmbedded(dataDir: string): Promise<Backend> {
  mkdirSync(dataDir, { recursive: true });
  const pglite = await PGlite.create({
    dataDir: join(dataDir, "queue"),
    // As node-postgres gives them, which BullMQ is written for.
    parsers: { [types.INT8]: (value: string) => value },
  });
  const pool = pglitePool(pglite);
  await runMigrations(pool);
  // One session for every client: BullMQ's commands name their tables without the schema.
  await pglite.exec("SET search_path TO bullmq");
  return {
    connection: pool,
    factory: createPostgresBackend,
    isUp: () => true,
    whileUp: (ask) => ask(),
    close: () => pglite.close(),
  };
}
