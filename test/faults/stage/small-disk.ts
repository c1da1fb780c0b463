import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { atExit } from "./at-exit.ts";

/** A file system of its own, small enough to be filled. */
export interface SmallDisk {
  /** Its root. */
  readonly folder: string;
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  unmount(): void;
}

const MEGABYTES = 400;

/** Whether one can be mounted here; says so on standard error when not. */
export function canMount(folder: string): boolean {
  const probe = join(folder, "mount-probe");
  mkdirSync(probe);
  const isMounted = mount(probe);
  if (isMounted) spawnSync("umount", [probe]);
  else
    process.stderr.write(
      "SKIPPED: a full disk is not tested, for no file system can be mounted here (root on Linux can)\n",
    );
  return isMounted;
}

function mount(folder: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${MEGABYTES}m`, "tmpfs", folder]).status === 0;
}

/** Mounts one in memory. */
export function mountSmallDisk(folder: string): SmallDisk {
  mkdirSync(folder, { recursive: true });
  if (!mount(folder)) throw new Error(`Nothing can be mounted at ${folder}.`);
  const ballast = join(folder, "ballast");
  // Whoever still has a file there keeps it from being unmounted at once.
  const unmount = () => void spawnSync("umount", ["-l", folder]);
  const forget = atExit(unmount);
  return {
    folder,
    fill() {
      const file = openSync(ballast, "a");
      const block = Buffer.alloc(1 << 20);
      try {
        for (let size = block.length; size >= 1; size = size >> 1) {
          while (statfsSync(folder).bavail > 0 && wrote(file, block.subarray(0, size)));
        }
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount() {
      forget();
      unmount();
    },
  };
}

function wrote(file: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
