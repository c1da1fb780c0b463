import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { loadBundle } from "@surety/engine";
import { type ModelHeader, type ModelId, UsageError } from "@surety/protocol";

/** A model this node can run. */
export interface ServedModel {
  readonly modelId: ModelId;
  readonly header: ModelHeader;
  readonly bundleDir: string;
}

export type ServedModels = ReadonlyMap<ModelId, ServedModel>;

/**
 * Opens the bundles below a directory (itself, or its subdirectories) and checks every hash in them, and that the referee would accept every
 * instruction.
 *
 * @throws UsageError BUNDLES_MISSING; FatalError BUNDLE_CHANGED, BUNDLE_VERSION, PROGRAM_MALFORMED
 */
export function loadServedModels(bundlesDir: string): ServedModels {
  const models = bundleDirs(bundlesDir).map((bundleDir) => {
    const { modelId, header } = loadBundle(bundleDir);
    return { modelId, header, bundleDir };
  });
  return new Map(models.map((model) => [model.modelId, model]));
}

function bundleDirs(root: string): string[] {
  const isBundle = (dir: string) => existsSync(join(dir, "manifest.json"));
  if (isBundle(root)) return [root];
  const below = existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : [];
  const found = below.filter(isBundle);
  if (found.length > 0) return found;
  throw new UsageError(
    "BUNDLES_MISSING",
    `There is no compiled model in ${root}. Give --bundles a directory of them.`,
  );
}
