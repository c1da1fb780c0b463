import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FatalError, type ModelHeader, type ModelId, modelIdOf } from "@surety/protocol";

/** A model's bundle on disk, by what its manifest says. Its bytes are checked against the id when it is first run. */
export interface BundleEntry {
  readonly dir: string;
  readonly modelId: ModelId;
  readonly header: ModelHeader;
}

export interface BundleDirectory {
  /** The bundle of a model; the directory is read again when it is not known, so that a model can be added without a restart. */
  find(modelId: ModelId): BundleEntry | undefined;
  /** Those known now. */
  all(): readonly BundleEntry[];
}

/** At most one new look for a missing model in this time. */
const RESCAN_MS = 5_000;
const MANIFEST = "manifest.json";

/**
 * The models whose bundles stand below a directory.
 *
 * @throws FatalError BUNDLES_UNREADABLE
 */
export function openBundleDirectory(
  root: string,
  now: () => number = () => performance.now(),
): BundleDirectory {
  let entries = scan(root);
  let scannedAt = now();

  function rescan(): void {
    scannedAt = now();
    try {
      entries = scan(root);
    } catch {
      // The directory is away for a moment: what was known is still known.
    }
  }

  return {
    find(modelId) {
      if (!entries.has(modelId) && now() - scannedAt >= RESCAN_MS) rescan();
      return entries.get(modelId);
    },
    all: () => [...entries.values()],
  };
}

/**
 * Where bundles are: a directory itself, and its subdirectories.
 *
 * @throws FatalError BUNDLES_UNREADABLE
 */
export function bundleDirs(root: string): string[] {
  try {
    const below = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      // What begins with a dot is still being fetched.
      (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith(".")
        ? [join(root, entry.name)]
        : [],
    );
    return [root, ...below].filter((dir) => existsSync(join(dir, MANIFEST)));
  } catch (cause) {
    throw new FatalError(
      "BUNDLES_UNREADABLE",
      `The directory of bundles ${root} cannot be read. Give --bundles a directory of compiled models.`,
      { cause },
    );
  }
}

function scan(root: string): ReadonlyMap<ModelId, BundleEntry> {
  const found = bundleDirs(root).flatMap((dir) => readEntry(dir));
  return new Map(found.map((entry) => [entry.modelId, entry]));
}

/** Nothing where no bundle names itself rightly: it may still be on its way to the disk. */
function readEntry(dir: string): BundleEntry[] {
  try {
    const { header } = JSON.parse(readFileSync(join(dir, MANIFEST), "utf8")) as { header: ModelHeader };
    return [{ dir, modelId: modelIdOf(header), header }];
  } catch {
    return [];
  }
}
