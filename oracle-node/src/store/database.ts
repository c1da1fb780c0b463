import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PGlite, types } from "@electric-sql/pglite";
import { lockDataFolder } from "./data-folder-lock.ts";

/** The node's one embedded PostgreSQL: its own tables and, by default, the job queue's. */
export interface Database {
  readonly pglite: PGlite;
  close(): Promise<void>;
}

/**
 * Opens the database of a data folder, which no other process may have open.
 *
 * @throws FatalError DATA_FOLDER_IN_USE
 */
export async function openDatabase(dataFolder: string): Promise<Database> {
  mkdirSync(dataFolder, { recursive: true });
  const unlock = lockDataFolder(dataFolder);
  try {
    const pglite = await PGlite.create({
      dataDir: join(dataFolder, "postgres"),
      // As node-postgres gives them, which BullMQ is written for.
      parsers: { [types.INT8]: (value: string) => value },
    });
    return {
      pglite,
      async close() {
        await pglite.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
