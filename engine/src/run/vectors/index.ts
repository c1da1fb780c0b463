import { DATA_MOVEMENT } from "./dataMovement.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { FLOAT_PRODUCTS } from "./floatProducts.ts";
import { INTEGER_PRODUCTS } from "./integerProducts.ts";
import { REDUCTION_VECTORS } from "./reductions.ts";
import type { KernelVector } from "./vector.ts";

export type { KernelCase, KernelVector } from "./vector.ts";

/** Known-answer vectors of every kernel that exact graphs may use. */
export const KERNEL_VECTORS: readonly KernelVector[] = [
  ...INTEGER_PRODUCTS,
  ...ELEMENTWISE,
  ...REDUCTION_VECTORS,
  ...FLOAT_PRODUCTS,
  ...DATA_MOVEMENT,
];
