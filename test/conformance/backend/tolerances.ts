import type { ElementType } from "@surety/engine";

/** How far a result may be from the golden one. */
export interface Tolerance {
  /** Least cosine similarity of the whole output. */
  readonly cosine: number;
  /** Largest difference of an element, as a share of the golden output's largest magnitude. */
  readonly share: number;
}

/** Data movement, integers, comparisons, and single operations of binary32 arithmetic: the golden value itself. */
const EXACT: Tolerance = { cosine: 1, share: 0 };
/** Functions computed in binary32: a few units in the last place, with what their arguments' rounding does. */
const FUNCTION: Tolerance = { cosine: 0.999999, share: 2e-6 };
/** What goes through 8-bit integers: half a step of 1/255 of the range for each operand and for the result, and outliers that the scale leaves out. */
const QUANTISED: Tolerance = { cosine: 0.999, share: 0.05 };

const FUNCTIONS = new Set(
  (
    "Elu Exp Gelu HardSigmoid HardSwish LeakyRelu Log Mean Mish Pow PRelu Selu Sigmoid Softplus Softsign Tanh Softmax LogSoftmax " +
    "BatchNormalization InstanceNormalization LayerNormalization Resize ReduceLogSum ReduceLogSumExp ReduceMean " +
    "ReduceL1 ReduceL2 ReduceSum ReduceSumSquare ReduceProd"
  ).split(" "),
);
const PRODUCTS = new Set(
  "Conv ConvTranspose Gemm MatMul LSTM GRU RNN AveragePool GlobalAveragePool MaxPool".split(" "),
);

export function toleranceOf(op: string, type: ElementType): Tolerance {
  if (type !== "f32") return EXACT;
  if (PRODUCTS.has(op)) return QUANTISED;
  return FUNCTIONS.has(op) ? FUNCTION : EXACT;
}

/** Their golden outputs wrap around where QLinearMatMul saturates, by its specification and in onnxruntime. */
export const WRAPPED_GOLDENS: ReadonlySet<string> = new Set([
  "test_qlinearmatmul_2D_int8_float32",
  "test_qlinearmatmul_3D_int8_float32",
]);
