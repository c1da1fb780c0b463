import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FatalError } from "@surety/protocol";

/**
 * Claims a data folder for this process: two nodes on one store could answer one request twice. A lock left by a process that is gone is
 * taken over.
 *
 * @returns Gives the folder back.
 * @throws FatalError DATA_FOLDER_IN_USE
 */
export function lockDataFolder(dataFolder: string): () => void {
  const path = join(dataFolder, "lock");
  const mine = `${process.pid} ${startOf(process.pid)}`;
  try {
    writeFileSync(path, mine, { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    const [pid = "", start] = readFileSync(path, "utf8").split(" ");
    if (start !== "" && startOf(Number(pid)) === start) {
      throw new FatalError(
        "DATA_FOLDER_IN_USE",
        `Process ${pid} already uses ${dataFolder}. Stop it, or give this node a folder of its own.`,
      );
    }
    writeFileSync(path, mine);
  }
  return () => rmSync(path, { force: true });
}

/** When a process started, so that a reused process number is not taken for it; empty when it is gone. */
function startOf(pid: number): string {
  try {
    // Field 22 of proc(5) stat, counted behind the command, which may contain spaces.
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19] ?? "";
  } catch {
    try {
      process.kill(pid, 0);
      return "alive";
    } catch {
      return "";
    }
  }
}
