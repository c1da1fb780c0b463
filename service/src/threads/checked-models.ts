import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Bundle, canonicalJson, ONNXRUNTIME_VERSION, sha256Hex } from "@surety/engine";

/** Which bundles have passed the comparison of graph and program on this machine: it evaluates whole programs, minutes for a large model. */
export interface CheckedModels {
  has(bundle: Bundle): boolean;
  add(bundle: Bundle): void;
}

/**
 * Markers in a directory, one file a bundle. One counts only for the very manifest, onnxruntime and kind of CPU that it was made with.
 *
 * @param directory made when the first marker is; undefined remembers nothing
 */
export function openCheckedModels(directory: string | undefined): CheckedModels {
  const facts = (bundle: Bundle) => ({
    modelId: bundle.modelId,
    manifest: bundle.manifest.sha256,
    onnxruntime: ONNXRUNTIME_VERSION,
    cpu: `${process.arch} ${cpus()[0]?.model ?? "unknown"}`,
  });
  const fileOf = (bundle: Bundle) => join(directory ?? "", `${sha256Hex(canonicalJson(facts(bundle)))}.json`);
  return {
    has: (bundle) => directory !== undefined && existsSync(fileOf(bundle)),
    add(bundle) {
      if (directory === undefined) return;
      mkdirSync(directory, { recursive: true });
      writeFileSync(fileOf(bundle), `${JSON.stringify(facts(bundle), null, 2)}\n`);
    },
  };
}
