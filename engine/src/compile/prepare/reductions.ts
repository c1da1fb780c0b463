import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** A reduction of the same axes of another value, with one new output. */
function reduceLike(node: GraphNode, op: string, x: string, context: RewriteContext): string {
  return context.node(op, [x, ...node.inputs.slice(1)], attributesOf(node));
}

function attributesOf(node: GraphNode): Record<string, number> {
  return {
    keepdims: intAttribute(node, "keepdims", 1),
    noop_with_empty_axes: intAttribute(node, "noop_with_empty_axes", 0),
  };
}

const squared = (x: string, context: RewriteContext) => context.node("Mul", [x, x]);

/** A function before a sum, and one after it. */
const around =
  (before: (x: string, context: RewriteContext) => string, after?: string): Rewrite =>
  (node, context) => {
    const x = before(node.inputs[0] ?? "", context);
    const axes = node.inputs.slice(1);
    if (!after) context.nodeTo(node.outputs, "ReduceSum", [x, ...axes], attributesOf(node));
    else context.nodeTo(node.outputs, after, [reduceLike(node, "ReduceSum", x, context)]);
    return true;
  };

/** The largest plus the logarithm of the sum of e^(x - largest). */
const logSumExp: Rewrite = (node, context) => {
  const [x = "", axes = ""] = node.inputs;
  const attributes = { ...attributesOf(node), keepdims: 1 };
  const over = axes ? [axes] : [];
  const largest = context.node("ReduceMax", [x, ...over], attributes);
  const powers = context.node("Exp", [context.node("Sub", [x, largest])]);
  const sum = context.node("Log", [context.node("ReduceSum", [powers, ...over], attributes)]);
  if (intAttribute(node, "keepdims", 1) !== 0) {
    context.nodeTo(node.outputs, "Add", [sum, largest]);
    return true;
  }
  const { dims } = context.typeOf(node.outputs[0] ?? "");
  const shape = context.addConstant("shape", i64Tensor([...dims]));
  context.nodeTo(node.outputs, "Reshape", [context.node("Add", [sum, largest]), shape]);
  return true;
};

/** Longer products are refused: each factor is a node. */
const MOST_FACTORS = 64;

/** A product of slices, axis by axis. */
const prod: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const { dims } = context.typeOf(x);
  const given = context.constant(node.inputs[1] || undefined)?.data;
  if (node.inputs[1] && !given) throw context.unsupported("its axes input is not a constant");
  const isNoop = intAttribute(node, "noop_with_empty_axes", 0) !== 0;
  const all = isNoop ? [] : dims.map((_, axis) => axis);
  const axes = given?.length
    ? Array.from(given, Number).map((axis) => (axis + dims.length) % dims.length)
    : all;
  let result = x;
  for (const axis of axes) {
    const size = dims[axis] as number;
    if (size > MOST_FACTORS)
      throw context.unsupported(`it multiplies ${size} factors; ${MOST_FACTORS} are supported`);
    const slices = Array.from({ length: size }, (_, k) => {
      const [start, end, along] = [k, k + 1, axis].map((value) =>
        context.addConstant("slice", i64Tensor([value])),
      );
      return context.node("Slice", [result, start as string, end as string, along as string]);
    });
    result = slices.reduce((product, slice) => context.node("Mul", [product, slice]));
  }
  const shape = context.addConstant("shape", i64Tensor([...context.typeOf(node.outputs[0] ?? "").dims]));
  context.nodeTo(node.outputs, "Reshape", [result, shape]);
  return true;
};

/** GlobalMaxPool: the largest of each channel. */
const globalMaxPool: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const rank = context.typeOf(x).dims.length;
  const axes = context.addConstant("axes", i64Tensor(Array.from({ length: rank - 2 }, (_, k) => k + 2)));
  context.nodeTo(node.outputs, "ReduceMax", [x, axes], { keepdims: 1 });
  return true;
};

/** A rewriting that gives functions of floats. */
const ofFloats =
  (rewrite: Rewrite): Rewrite =>
  (node, context) => {
    const { type } = context.typeOf(node.inputs[0] ?? "");
    if (type !== "f32") throw context.unsupported(`its input is ${type}`);
    return rewrite(node, context);
  };

/** Reductions in terms of ReduceSum, ReduceMax and elementwise ops. */
export const REDUCTIONS_APART: readonly (readonly [string, Rewrite])[] = [
  ["GlobalMaxPool", globalMaxPool],
  ["ReduceL1", around((x, context) => context.node("Abs", [x]))],
  ["ReduceL2", ofFloats(around(squared, "Sqrt"))],
  ["ReduceLogSum", ofFloats(around((x) => x, "Log"))],
  ["ReduceLogSumExp", ofFloats(logSumExp)],
  ["ReduceProd", prod],
  ["ReduceSumSquare", around(squared)],
];
