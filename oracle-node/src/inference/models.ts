import { existsSync } from "node:fs";
import { loadBundle } from "@surety/engine";
import { UsageError } from "@surety/protocol";
import { type BundleDirectory, bundleDirs, openBundleDirectory } from "@surety/service";

/** The models this node can run. One added while it runs is found when it is asked for. */
export type ServedModels = BundleDirectory;

/**
 * Opens the bundles below a directory (itself, or its subdirectories) and checks every hash in them, and that the referee would accept every
 * instruction.
 *
 * @throws UsageError BUNDLES_MISSING; FatalError BUNDLES_UNREADABLE, BUNDLE_CHANGED, BUNDLE_VERSION, PROGRAM_MALFORMED
 */
export function openServedModels(bundlesDir: string): ServedModels {
  const dirs = existsSync(bundlesDir) ? bundleDirs(bundlesDir) : [];
  if (dirs.length === 0) {
    throw new UsageError(
      "BUNDLES_MISSING",
      `There is no compiled model in ${bundlesDir}. Give --bundles a directory of them.`,
    );
  }
  for (const dir of dirs) loadBundle(dir);
  return openBundleDirectory(bundlesDir);
}
