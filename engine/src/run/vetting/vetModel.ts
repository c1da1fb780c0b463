import type { ModelReport } from "../../compile/checkModel.ts";
import type { ImportOptions } from "../../onnx/import.ts";
import { inChild, type VettingLimits } from "./inChild.ts";

/**
 * Loads an ONNX file that nobody has looked at in a process of its own, as the compiler will load it, and runs it once on zeros. What passes may be compiled
 * in this process.
 *
 * @example
 * await vetModel(model, { folder: dirname(path) });
 * const bundle = await compileModel({ model, calibration });
 * @throws FatalError MODEL_CRASHED, MODEL_TIMEOUT, MODEL_MEMORY; those of importModel and foldConstants
 */
export function vetModel(
  model: Uint8Array,
  options: ImportOptions = {},
  limits: VettingLimits = {},
): Promise<void> {
  return inChild({ kind: "load", model, options }, limits);
}

/**
 * `checkModel` in a process of its own.
 * @throws FatalError MODEL_CRASHED, MODEL_TIMEOUT, MODEL_MEMORY; those of checkModel
 */
export function vetReport(
  model: Uint8Array,
  options: ImportOptions = {},
  limits: VettingLimits = {},
): Promise<ModelReport> {
  return inChild({ kind: "report", model, options }, limits);
}

/** Comparing graph and program evaluates the program on every probe: much longer than loading. */
const BUNDLE_TIMEOUT_MS = 3_600_000;

/**
 * `loadBundle` and `requireGraphMatches` in a process of its own.
 * @throws FatalError MODEL_CRASHED, MODEL_TIMEOUT, MODEL_MEMORY; those of loadBundle and requireGraphMatches
 */
export function vetBundle(directory: string, limits: VettingLimits = {}): Promise<void> {
  return inChild({ kind: "bundle", directory }, { timeoutMs: BUNDLE_TIMEOUT_MS, ...limits });
}
