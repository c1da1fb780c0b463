import { power } from "./power.ts";
import type { Rewrite } from "./rewrite.ts";

/** Of float functions, normalisations and reductions. */
export const FLOAT_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [["Pow", power]];
