import { floatAttribute, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** Names of the parts of (x - mean) / sqrt(variance + epsilon). */
interface Normalised {
  readonly result: string;
  readonly mean: string;
  readonly inverse: string;
}

/** Normalises over the axes; without `centred` by the root of the mean square alone. */
function normalise(
  x: string,
  axes: readonly number[],
  epsilon: number,
  context: RewriteContext,
  centred = true,
): Normalised {
  const over = context.addConstant("axes", i64Tensor([...axes]));
  const mean = centred ? context.node("ReduceMean", [x, over], { keepdims: 1 }) : "";
  const distance = centred ? context.node("Sub", [x, mean]) : x;
  const square = context.node("Mul", [distance, distance]);
  const variance = context.node("ReduceMean", [square, over], { keepdims: 1 });
  const raised = context.node("Add", [variance, number(epsilon, context)]);
  const inverse = context.node("Reciprocal", [context.node("Sqrt", [raised])]);
  return { result: context.node("Mul", [distance, inverse]), mean, inverse };
}

function number(value: number, context: RewriteContext): string {
  return context.addConstant("number", { type: "f32", dims: [], data: Float32Array.of(value) });
}

function reshape(name: string, dims: readonly number[], context: RewriteContext): string {
  return context.node("Reshape", [name, context.addConstant("shape", i64Tensor([...dims]))]);
}

/** result * scale + bias as the node's first output; an empty name is left out. */
function finish(node: GraphNode, result: string, scale: string, bias: string, context: RewriteContext): void {
  const output = node.outputs.slice(0, 1);
  const steps = [...(scale ? [["Mul", scale] as const] : []), ...(bias ? [["Add", bias] as const] : [])];
  let value = result;
  steps.forEach(([op, operand], k) => {
    if (k === steps.length - 1) context.nodeTo(output, op, [value, operand]);
    else value = context.node(op, [value, operand]);
  });
  if (steps.length === 0) context.nodeTo(output, "Identity", [value]);
}

/** The axes from the given one to the last. */
function trailingAxes(x: string, axis: number, context: RewriteContext): number[] {
  const rank = context.typeOf(x).dims.length;
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank - first }, (_, k) => first + k);
}

/** LayerNormalization and, not centred, RMSNormalization, with the outputs of training where they are asked for. */
const layerNormalization =
  (centred: boolean): Rewrite =>
  (node, context) => {
    const [x = "", scale = "", bias = ""] = node.inputs;
    const axes = trailingAxes(x, intAttribute(node, "axis", -1), context);
    const { result, mean, inverse } = normalise(
      x,
      axes,
      floatAttribute(node, "epsilon", 1e-5),
      context,
      centred,
    );
    const extras = centred ? [mean, inverse] : [inverse];
    extras.forEach((value, k) => {
      const output = node.outputs[k + 1];
      if (output) context.nodeTo([output], "Identity", [value]);
    });
    finish(node, result, scale, bias, context);
    return true;
  };

/** com.microsoft's: the sum of two values, normalised. The sum is the fourth output. */
const skipNormalization =
  (centred: boolean): Rewrite =>
  (node, context) => {
    const [x = "", skip = "", scale = ""] = node.inputs;
    const [shift, bias] = centred ? [node.inputs[3] ?? "", node.inputs[4] ?? ""] : ["", node.inputs[3] ?? ""];
    let sum = context.node("Add", [x, skip]);
    if (bias) sum = context.node("Add", [sum, bias]);
    const axes = trailingAxes(x, -1, context);
    const { result, mean, inverse } = normalise(
      sum,
      axes,
      floatAttribute(node, "epsilon", 1e-12),
      context,
      centred,
    );
    [mean, inverse, sum].forEach((value, k) => {
      const output = node.outputs[k + 1];
      if (output && value) context.nodeTo([output], "Identity", [value]);
    });
    finish(node, result, scale, shift, context);
    return true;
  };

/** [C] as [C, 1, ...], to go along dimension 1 of an image. */
function perChannel(name: string, x: string, context: RewriteContext): string {
  const { dims } = context.typeOf(x);
  return reshape(name, [dims[1] as number, ...dims.slice(2).map(() => 1)], context);
}

const instanceNormalization: Rewrite = (node, context) => {
  const [x = "", scale = "", bias = ""] = node.inputs;
  const { result } = normalise(
    x,
    trailingAxes(x, 2, context),
    floatAttribute(node, "epsilon", 1e-5),
    context,
  );
  finish(node, result, perChannel(scale, x, context), perChannel(bias, x, context), context);
  return true;
};

/** Scale and bias are per channel; older opsets are upgraded to that. */
const groupNormalization: Rewrite = (node, context) => {
  const [x = "", scale = "", bias = ""] = node.inputs;
  const { dims } = context.typeOf(x);
  const groups = reshape(x, [dims[0] as number, intAttribute(node, "num_groups", 1), -1], context);
  const { result } = normalise(groups, [2], floatAttribute(node, "epsilon", 1e-5), context);
  const image = reshape(result, dims, context);
  finish(node, image, perChannel(scale, x, context), perChannel(bias, x, context), context);
  return true;
};

/** BatchNormalization by parameters that are computed; constant ones stay one multiplication and one addition. */
const batchNormalization: Rewrite = (node, context) => {
  const [x = "", scale = "", bias = "", mean = "", variance = ""] = node.inputs;
  if ([scale, bias, mean, variance].every((name) => context.constant(name))) return false;
  if (node.outputs.slice(1).some((name) => name !== "")) return false;
  const rank = context.typeOf(x).dims.length;
  const channels = context.typeOf(variance).dims[0] ?? 1;
  const dims = [channels, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
  const perChannel = (name: string) => reshape(name, dims, context);
  const epsilon = number(floatAttribute(node, "epsilon", 1e-5), context);
  const root = perChannel(context.node("Sqrt", [context.node("Add", [variance, epsilon])]));
  const result = context.node("Div", [context.node("Sub", [x, perChannel(mean)]), root]);
  finish(node, result, perChannel(scale), perChannel(bias), context);
  return true;
};

/** (x - mean) / sqrt(variance), as the ONNX function has it with an epsilon of 1e-9 beside the root. */
const meanVarianceNormalization: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const given = node.attributes.get("axes");
  const axes = given?.kind === "ints" ? given.value : [0, 2, 3];
  finish(node, normalise(x, axes, 1e-18, context).result, "", "", context);
  return true;
};

const lpNormalization: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const axes = context.addConstant("axes", i64Tensor([intAttribute(node, "axis", -1)]));
  const norm = intAttribute(node, "p", 2) === 1 ? "ReduceL1" : "ReduceL2";
  context.nodeTo(node.outputs, "Div", [x, context.node(norm, [x, axes], { keepdims: 1 })]);
  return true;
};

export const NORMALISATIONS: readonly (readonly [string, Rewrite])[] = [
  ["BatchNormalization", batchNormalization],
  ["GroupNormalization", groupNormalization],
  ["InstanceNormalization", instanceNormalization],
  ["LayerNormalization", layerNormalization(true)],
  ["LpNormalization", lpNormalization],
  ["MeanVarianceNormalization", meanVarianceNormalization],
  ["SimplifiedLayerNormalization", layerNormalization(false)],
  ["com.microsoft.SkipLayerNormalization", skipNormalization(true)],
  ["com.microsoft.SkipSimplifiedLayerNormalization", skipNormalization(false)],
];
