import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FatalError, type ModelHeader, type ModelId, modelIdOf } from "@surety/protocol";

/** A model's bundle on disk, by what its manifest says. Its bytes are checked against the id when it is first run. */
export interface BundleEntry {
  readonly dir: string;
  readonly modelId: ModelId;
  readonly header: ModelHeader;
}

export interface BundleDirectory {
  /** The bundle of a model; the directory is read again when it is not known. */
  find(modelId: ModelId): BundleEntry | undefined;
  readonly count: number;
}

/** At most one new look for a missing model in this time. */
const RESCAN_MS = 5_000;

/**
 * The bundles below a directory: itself, or its subdirectories.
 *
 * @throws FatalError BUNDLES_UNREADABLE
 */
export function openBundleDirectory(root: string, now: () => number = Date.now): BundleDirectory {
  let entries = scan(root);
  let scannedAt = now();
  return {
    find(modelId) {
      const found = entries.get(modelId);
      if (found !== undefined || now() - scannedAt < RESCAN_MS) return found;
      entries = scan(root);
      scannedAt = now();
      return entries.get(modelId);
    },
    get count() {
      return entries.size;
    },
  };
}

function scan(root: string): ReadonlyMap<ModelId, BundleEntry> {
  try {
    const dirs = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() || entry.isSymbolicLink() ? [join(root, entry.name)] : [],
    );
    const found = [root, ...dirs].flatMap((dir) => readEntry(dir));
    return new Map(found.map((entry) => [entry.modelId, entry]));
  } catch (cause) {
    throw new FatalError(
      "BUNDLES_UNREADABLE",
      `The directory of bundles ${root} cannot be read. Give --bundles a directory of compiled models.`,
      { cause },
    );
  }
}

/** Nothing where there is no bundle, or none that names itself rightly: it may still be on its way to the disk. */
function readEntry(dir: string): BundleEntry[] {
  try {
    const { header } = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8")) as {
      header: ModelHeader;
    };
    return [{ dir, modelId: modelIdOf(header), header }];
  } catch {
    return [];
  }
}
