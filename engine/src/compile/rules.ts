import { ACTIVATIONS } from "./ops/activations.ts";
import { ARITHMETIC } from "./ops/arithmetic.ts";
import { conv } from "./ops/conv.ts";
import { add, batchNormalization, mul, sub } from "./ops/elementwise.ts";
import { LOGIC } from "./ops/logic.ts";
import { gemm, matMul } from "./ops/matmul.ts";
import { MOVEMENT } from "./ops/movement.ts";
import { averagePool, globalAveragePool, maxPool } from "./ops/pool.ts";
import { QUANTISED } from "./ops/quantise.ts";
import { RANKS } from "./ops/rank.ts";
import { REDUCTIONS } from "./ops/reduce.ts";
import { SOFTMAX } from "./ops/softmax.ts";
import { reshape, transpose } from "./ops/view.ts";
import type { Rule } from "./rule.ts";

/** The ops a float model may have, each with its way into the exact profile. */
export const RULES: ReadonlyMap<string, Rule> = new Map([
  ...ACTIVATIONS,
  ...ARITHMETIC,
  ...QUANTISED,
  ...LOGIC,
  ...REDUCTIONS,
  ...SOFTMAX,
  ...MOVEMENT,
  ...RANKS,
  ["Add", add],
  ["AveragePool", averagePool],
  ["BatchNormalization", batchNormalization],
  ["Conv", conv],
  ["Dropout", reshape],
  ["Flatten", reshape],
  ["Gemm", gemm],
  ["GlobalAveragePool", globalAveragePool],
  ["Identity", reshape],
  ["MatMul", matMul],
  ["MaxPool", maxPool],
  ["Mul", mul],
  ["Reshape", reshape],
  ["Squeeze", reshape],
  ["Sub", sub],
  ["Transpose", transpose],
  ["Unsqueeze", reshape],
]);
