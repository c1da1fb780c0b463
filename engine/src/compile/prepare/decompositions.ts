import { COMPOSITIONS } from "./compositions.ts";
import { einsum } from "./einsum.ts";
import { FLOAT_DECOMPOSITIONS } from "./floatDecompositions.ts";
import { INVERSE_TRIGONOMETRY } from "./inverseTrigonometry.ts";
import { LINEAR_DECOMPOSITIONS } from "./linearDecompositions.ts";
import { LINEAR_ML } from "./linearMl.ts";
import { LOCAL_NORMS } from "./localNorms.ts";
import { MOVEMENT_DECOMPOSITIONS } from "./movement.ts";
import { OPERATOR_FORM } from "./operatorForm.ts";
import { RECURRENT_DECOMPOSITIONS } from "./recurrent.ts";
import { RESIZE_DECOMPOSITIONS } from "./resize.ts";
import type { Rewrite } from "./rewrite.ts";
import { imputer, scaler } from "./scaler.ts";
import { SCATTER_DECOMPOSITIONS } from "./scatter.ts";
import { TREE_DECOMPOSITIONS } from "./trees.ts";

/** Ops that are compositions of others, and how they are taken apart. Keys as in `rewriteGraph`. */
export const DECOMPOSITIONS: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ...COMPOSITIONS,
  ...FLOAT_DECOMPOSITIONS,
  ...INVERSE_TRIGONOMETRY,
  ...LINEAR_DECOMPOSITIONS,
  ...LINEAR_ML,
  ...LOCAL_NORMS,
  ...MOVEMENT_DECOMPOSITIONS,
  ...RECURRENT_DECOMPOSITIONS,
  ...RESIZE_DECOMPOSITIONS,
  ...SCATTER_DECOMPOSITIONS,
  ...TREE_DECOMPOSITIONS,
  ["Einsum", einsum],
  ["ai.onnx.ml.Imputer", imputer],
  ["ai.onnx.ml.Scaler", scaler],
  ...OPERATOR_FORM,
]);
