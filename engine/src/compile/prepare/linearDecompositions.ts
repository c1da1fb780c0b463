import { convTranspose } from "./linear/convTranspose.ts";
import { convWindows } from "./linear/convWindows.ts";
import { gemmParts, matMulForms } from "./linear/matrixProducts.ts";
import type { Rewrite } from "./rewrite.ts";

/** Linear layers that are brought to what has a rule: Conv by a constant filter, Gemm by a constant matrix, MatMul. */
export const LINEAR_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["Conv", convWindows],
  ["ConvTranspose", convTranspose],
  ["Gemm", gemmParts],
  ["MatMul", matMulForms],
];
