import { GELUS } from "./gelus.ts";
import { NORMALISATIONS } from "./normalisations.ts";
import { power } from "./power.ts";
import { REDUCTIONS_APART } from "./reductions.ts";
import type { Rewrite } from "./rewrite.ts";

/** Of float functions, normalisations and reductions. */
export const FLOAT_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ...GELUS,
  ...NORMALISATIONS,
  ...REDUCTIONS_APART,
  ["Pow", power],
];
