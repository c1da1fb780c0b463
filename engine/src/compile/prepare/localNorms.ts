import { floatAttribute, intAttribute, intsAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import { checkWindow, readWindow } from "../window.ts";
import { floatScalar } from "./mlScores.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";
import { tapsOf } from "./taps.ts";

/** Windows of more elements are refused: each is a node. */
const MOST_TERMS = 128;

const ints = (context: RewriteContext, values: readonly number[]) =>
  context.addConstant("ints", i64Tensor(values));

/** The terms added up by halves, one node at a time. */
function sumOf(context: RewriteContext, terms: readonly string[]): string {
  if (terms.length === 1) return terms[0] as string;
  const half = Math.ceil(terms.length / 2);
  return context.node("Add", [sumOf(context, terms.slice(0, half)), sumOf(context, terms.slice(half))]);
}

/** |x|^p. */
function powerOf(context: RewriteContext, x: string, p: number): string {
  if (p === 2) return context.node("Mul", [x, x]);
  const magnitude = context.node("Abs", [x]);
  return p === 1 ? magnitude : context.node("Pow", [magnitude, floatScalar(context, p)]);
}

/** sum^(1 / p) under the outputs' names. */
function rootTo(context: RewriteContext, outputs: readonly string[], sum: string, p: number): void {
  if (p === 1) context.nodeTo(outputs, "Identity", [sum]);
  else if (p === 2) context.nodeTo(outputs, "Sqrt", [sum]);
  else context.nodeTo(outputs, "Pow", [sum, floatScalar(context, 1 / p)]);
}

/** LRN: x / (bias + alpha / size * the sum of squares of `size` neighbouring channels)^beta. */
const localResponse: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const { dims } = context.typeOf(x);
  const size = intAttribute(node, "size", 1);
  if (size < 1 || size > MOST_TERMS) throw context.unsupported(`its size ${size} is not in 1..${MOST_TERMS}`);
  const [channels = 1, rest] = [dims[1], dims.length - 2];
  const before = Math.floor((size - 1) / 2);
  const none = new Array<number>(rest).fill(0);
  const pads = ints(context, [0, before, ...none, 0, size - 1 - before, ...none]);
  const squares = context.node("Pad", [context.node("Mul", [x, x]), pads]);
  const terms = Array.from({ length: size }, (_, k) =>
    context.node("Slice", [squares, ints(context, [k]), ints(context, [k + channels]), ints(context, [1])]),
  );
  const share = Math.fround(floatAttribute(node, "alpha", 1e-4) / size);
  const scaled = context.node("Mul", [sumOf(context, terms), floatScalar(context, share)]);
  const shifted = context.node("Add", [scaled, floatScalar(context, floatAttribute(node, "bias", 1))]);
  const power = context.node("Pow", [shifted, floatScalar(context, floatAttribute(node, "beta", 0.75))]);
  context.nodeTo(node.outputs, "Div", [x, power]);
  return true;
};

/** LpPool: the p-norm of each window, one strided Slice of the padded powers a tap. */
const lpPool: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const problem = checkWindow(node);
  if (problem) throw context.unsupported(problem);
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  const [, , ...input] = context.typeOf(x).dims;
  const [, , ...output] = context.typeOf(y).dims;
  if (kernel.length !== input.length)
    throw context.unsupported(`its kernel [${kernel}] does not fit its input`);
  const taps = tapsOf(kernel);
  if (taps.length > MOST_TERMS) throw context.unsupported(`its kernel has over ${MOST_TERMS} elements`);
  const p = intAttribute(node, "p", 2);
  const { strides, dilations, padsBegin, padsEnd } = readWindow(node, kernel, input, output);
  const pads = ints(context, [0, 0, ...padsBegin, 0, 0, ...padsEnd]);
  const powers = context.node("Pad", [powerOf(context, x, p), pads]);
  const axes = ints(
    context,
    kernel.map((_, k) => k + 2),
  );
  const terms = taps.map((tap) => {
    const starts = tap.map((at, k) => at * (dilations[k] as number));
    const ends = starts.map((start, k) => start + ((output[k] as number) - 1) * (strides[k] as number) + 1);
    return context.node("Slice", [
      powers,
      ints(context, starts),
      ints(context, ends),
      axes,
      ints(context, strides),
    ]);
  });
  rootTo(context, node.outputs, sumOf(context, terms), p);
  return true;
};

/** GlobalLpPool: the p-norm of each channel. */
const globalLpPool: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  const p = intAttribute(node, "p", 2);
  const places = context.typeOf(x).dims.slice(2);
  const axes = ints(
    context,
    places.map((_, k) => k + 2),
  );
  const sum = context.node("ReduceSum", [powerOf(context, x, p), axes], { keepdims: 1 });
  rootTo(context, node.outputs, sum, p);
  return true;
};

/** Norms of neighbours. */
export const LOCAL_NORMS: readonly (readonly [string, Rewrite])[] = [
  ["GlobalLpPool", globalLpPool],
  ["LpPool", lpPool],
  ["LRN", localResponse],
];
