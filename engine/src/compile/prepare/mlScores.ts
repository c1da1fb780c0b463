/** What the ops of ai.onnx.ml share: how features come in, and how scores become what they return. */
import { type GraphNode, intsAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, i64Tensor } from "../../onnx/tensor.ts";
import type { RewriteContext } from "./rewrite.ts";

/** One number as a constant f32 of rank 0. */
export function floatScalar(context: RewriteContext, value: number): string {
  return floatConstant(context, [value], []);
}

export function floatConstant(
  context: RewriteContext,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): string {
  return context.addConstant("constant", { type: "f32", dims, data: Float32Array.from(values) });
}

/** The first input as f32 [rows, features]; a vector is one row. */
export function readFeatures(
  node: GraphNode,
  context: RewriteContext,
): { x: string; rows: number; features: number } {
  const [input = ""] = node.inputs;
  const { type, dims } = context.typeOf(input);
  if (dims.length !== 1 && dims.length !== 2) throw context.unsupported(`its input has the shape [${dims}]`);
  if (type === "f64") throw context.unsupported("its input holds doubles");
  const [rows, features] = (dims.length === 1 ? [1, ...dims] : dims) as [number, number];
  const cast = type === "f32" ? input : context.node("Cast", [input], { to: ELEMENT_TYPES.f32.code });
  const shape = () => context.addConstant("shape", i64Tensor([rows, features]));
  return { x: dims.length === 2 ? cast : context.node("Reshape", [cast, shape()]), rows, features };
}

/** classlabels_int64s (classlabels_ints of LinearClassifier). */
export function readLabels(node: GraphNode, context: RewriteContext): readonly number[] {
  const labels = intsAttribute(node, "classlabels_int64s") ?? intsAttribute(node, "classlabels_ints") ?? [];
  if (labels.length < 2) throw context.unsupported(`it has ${labels.length} classes`);
  return labels;
}

/** Whether the node gives strings, which no tensor here can hold: nothing that has it can be run. */
export function hasStringLabels(node: GraphNode): boolean {
  const attribute = node.attributes.get("classlabels_strings");
  return attribute?.kind === "strings" && attribute.value.length > 0;
}

/** The label i64 [rows] of each row's largest of scores [rows, classes]; the first of equal ones. */
export function bestLabel(context: RewriteContext, scores: string, labels: readonly number[]): string {
  const best = context.node("ArgMax", [scores], { axis: 1, keepdims: 0 });
  return context.node("Gather", [context.addConstant("labels", i64Tensor(labels)), best], { axis: 0 });
}

/** The first label or the second i64 [rows], as scores [rows, 1] are over a limit. */
export function labelAbove(
  context: RewriteContext,
  score: string,
  limit: number,
  [below, above]: readonly [number, number],
): string {
  const isAbove = context.node("Greater", [score, floatScalar(context, limit)]);
  const flat = context.node("Reshape", [isAbove, context.addConstant("shape", i64Tensor([-1]))]);
  const [yes, no] = [above, below].map((label) => context.addConstant("label", i64Tensor([label])));
  return context.node("Where", [flat, yes as string, no as string]);
}

/** In the order of TreeEnsemble's numbers as onnxruntime has them; the standard has SOFTMAX and LOGISTIC the other way round. */
export const POST_TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"];

/** A post_transform of scores [rows, targets]. */
export function postTransform(context: RewriteContext, scores: string, transform: string): string {
  switch (transform) {
    case "NONE":
      return scores;
    case "LOGISTIC":
      return context.node("Sigmoid", [scores]);
    case "SOFTMAX":
      return context.node("Softmax", [scores], { axis: 1 });
    case "SOFTMAX_ZERO":
      return softmaxZero(context, scores);
    case "PROBIT":
      return probit(context, scores);
    default:
      throw context.unsupported(`post_transform ${transform} is not supported`);
  }
}

/** Scores that onnxruntime takes for zero here. */
const ALMOST_ZERO = 1e-7;

/** The softmax of the scores that are not zero; the others stay about zero. As ComputeSoftmaxZero of onnxruntime's ml_common.h. */
function softmaxZero(context: RewriteContext, scores: string): string {
  const axes = context.addConstant("axes", i64Tensor([1]));
  const most = context.node("ReduceMax", [scores, axes], { keepdims: 1 });
  const power = context.node("Exp", [context.node("Sub", [scores, most])]);
  const magnitude = context.node("Abs", [scores]);
  const counts = context.node("Greater", [magnitude, floatScalar(context, ALMOST_ZERO)]);
  const counted = context.node("Where", [counts, power, floatScalar(context, 0)]);
  const sum = context.node("ReduceSum", [counted, axes], { keepdims: 1 });
  const rest = context.node("Mul", [scores, context.node("Exp", [context.node("Neg", [most])])]);
  return context.node("Div", [context.node("Where", [counts, power, rest]), sum]);
}

/**
 * The probit of scores between 0 and 1 by Winitzki's approximation of the inverse of erf, as ComputeProbit of onnxruntime's ml_common.h; y = 2 x - 1:
 * sign(y) sqrt(2) sqrt(sqrt(v^2 - l / 0.147) - v), l = ln(1 - y^2), v = 2 / (0.147 pi) + l / 2.
 */
function probit(context: RewriteContext, scores: string): string {
  const number = (value: number) => floatScalar(context, value);
  const y = context.node("Sub", [context.node("Mul", [scores, number(2)]), number(1)]);
  const product = context.node("Mul", [
    context.node("Sub", [number(1), y]),
    context.node("Add", [number(1), y]),
  ]);
  const log = context.node("Log", [product]);
  const v = context.node("Add", [number(2 / (Math.PI * 0.147)), context.node("Mul", [log, number(0.5)])]);
  const square = context.node("Sub", [
    context.node("Mul", [v, v]),
    context.node("Mul", [log, number(1 / 0.147)]),
  ]);
  const inner = context.node("Sub", [context.node("Sqrt", [square]), v]);
  const root = context.node("Mul", [context.node("Sqrt", [inner]), number(Math.SQRT2)]);
  return context.node("Where", [context.node("Less", [y, number(0)]), context.node("Neg", [root]), root]);
}

/** Gives an output its value, in the shape the model has for it. */
export function giveOutput(node: GraphNode, context: RewriteContext, index: number, value: string): void {
  const output = node.outputs[index];
  if (!output) return;
  const shape = context.addConstant("shape", i64Tensor([...context.typeOf(output).dims]));
  context.nodeTo([output], "Reshape", [value, shape]);
}
