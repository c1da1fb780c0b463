import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";

/** The folder of real models that are too large for this repository: SURETY_MODELS, or `../shared/models` beside the checkout. */
export const MODELS_FOLDER = process.env.SURETY_MODELS ?? join(import.meta.dirname, "../../../shared/models");

/** The path of a file in the models' folder. */
export function modelPath(...parts: string[]): string {
  return join(MODELS_FOLDER, ...parts);
}

/**
 * `describe` for tests that need a folder of the shared models; where it is absent they are skipped and the reason is in their name.
 *
 * @example
 * describeModel("UltraFace", "ultraface", () => test("compiles", ...));
 */
export function describeModel(title: string, folder: string, tests: () => void): void {
  const path = modelPath(folder);
  if (existsSync(path)) describe(title, tests);
  else
    describe.skip(`${title} (skipped: ${path} is not there; set SURETY_MODELS to the models' folder)`, tests);
}
