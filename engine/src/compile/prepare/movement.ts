import { type GraphNode, intAttribute, stringAttribute } from "../../onnx/graph.ts";
import {
  ELEMENT_TYPES,
  type ElementType,
  elementTypeOf,
  type HostTensor,
  i64Tensor,
  numbersOf,
  type TensorData,
} from "../../onnx/tensor.ts";
import { product, rowMajorStrides } from "../view.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** A constant of one number. */
export function scalarOf(context: RewriteContext, type: ElementType, value: number): string {
  return context.addConstant("value", tensorOf(type, [], [value]));
}

/** A constant tensor of numbers. */
export function tensorOf(type: ElementType, dims: readonly number[], values: readonly number[]): HostTensor {
  const data = new ELEMENT_TYPES[type].array(values.length) as TensorData;
  values.forEach((value, k) => {
    data[k] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
  });
  return { type, dims, data };
}

export const list = (context: RewriteContext, values: readonly number[]): string =>
  context.addConstant("list", i64Tensor(values));

/** A constant input's numbers. @throws FatalError MODEL_UNSUPPORTED where it is computed */
export function constantNumbers(context: RewriteContext, name: string | undefined, what: string): number[] {
  const numbers = numbersOf(context.constant(name));
  if (!numbers) throw context.unsupported(`its ${what} is not a constant`);
  return numbers;
}

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The part of `name` from `start` to `end` along an axis. */
export function part(
  context: RewriteContext,
  name: string,
  axis: number,
  start: number,
  end: number,
): string {
  return context.node("Slice", [name, list(context, [start]), list(context, [end]), list(context, [axis])]);
}

/** Where, also of the types that onnxruntime does not choose between. */
function choose(
  context: RewriteContext,
  node: GraphNode,
  condition: string,
  a: string,
  b: string,
  type: ElementType,
): void {
  if (type !== "bool" && type !== "i8") {
    context.nodeTo(node.outputs, "Where", [condition, a, b]);
    return;
  }
  const wide = [a, b].map((name) => context.node("Cast", [name], { to: ELEMENT_TYPES.i32.code }));
  const chosen = context.node("Where", [condition, ...wide]);
  context.nodeTo(node.outputs, "Cast", [chosen], { to: ELEMENT_TYPES[type].code });
}

/** Split: one Slice for each part. */
const split: Rewrite = (node, context) => {
  const [input = ""] = node.inputs;
  const { dims } = context.typeOf(input);
  const axis = axisOf(intAttribute(node, "axis", 0), dims.length);
  let start = 0;
  for (const output of node.outputs) {
    if (output === "") throw context.unsupported("a part of it has no name");
    const end = start + (context.typeOf(output).dims[axis] as number);
    const range = [[start], [end], [axis]].map((values) => list(context, values));
    context.nodeTo([output], "Slice", [input, ...range]);
    start = end;
  }
  return true;
};

function rearranged(
  node: GraphNode,
  context: RewriteContext,
  sizes: readonly number[],
  perm: readonly number[],
): boolean {
  const [output = ""] = node.outputs;
  const apart = context.node("Reshape", [node.inputs[0] ?? "", list(context, sizes)]);
  const moved = context.node("Transpose", [apart], { perm });
  context.nodeTo([output], "Reshape", [moved, list(context, context.typeOf(output).dims)]);
  return true;
}

const depthToSpace: Rewrite = (node, context) => {
  const [batch, channels, height, width] = context.typeOf(node.inputs[0] ?? "").dims as [
    number,
    number,
    number,
    number,
  ];
  const block = intAttribute(node, "blocksize", 1);
  const rest = channels / block ** 2;
  return stringAttribute(node, "mode", "DCR") === "DCR"
    ? rearranged(node, context, [batch, block, block, rest, height, width], [0, 3, 4, 1, 5, 2])
    : rearranged(node, context, [batch, rest, block, block, height, width], [0, 1, 4, 2, 5, 3]);
};

const spaceToDepth: Rewrite = (node, context) => {
  const [batch, channels, height, width] = context.typeOf(node.inputs[0] ?? "").dims as [
    number,
    number,
    number,
    number,
  ];
  const block = intAttribute(node, "blocksize", 1);
  const sizes = [batch, channels, height / block, block, width / block, block];
  return rearranged(node, context, sizes, [0, 3, 5, 1, 2, 4]);
};

/** GatherND: the index lists become numbers of the flattened dimensions, for one Gather. */
const gatherND: Rewrite = (node, context) => {
  const [data = "", indices = ""] = node.inputs;
  const { dims } = context.typeOf(data);
  const indexDims = context.typeOf(indices).dims;
  const batchRank = intAttribute(node, "batch_dims", 0);
  const depth = indexDims.at(-1) as number;
  const batch = dims.slice(0, batchRank);
  const indexed = dims.slice(batchRank, batchRank + depth);
  const strides = rowMajorStrides(indexed);
  const flat = [product(batch) * product(indexed), ...dims.slice(batchRank + depth)];
  const number = (value: number) => scalarOf(context, "i64", value);
  const columns = indexed.map((size, k) => {
    const column = context.node("Gather", [indices, number(k)], { axis: -1 });
    const inside = context.node("Min", [context.node("Max", [column, number(-size)]), number(size - 1)]);
    const isNegative = context.node("Less", [inside, number(0)]);
    const counted = context.node("Where", [isNegative, context.node("Add", [inside, number(size)]), inside]);
    return context.node("Mul", [counted, number(strides[k] as number)]);
  });
  const starts = Array.from({ length: product(batch) }, (_, k) => k * product(indexed));
  const batchDims = [...batch, ...indexDims.slice(batchRank, -1).map(() => 1)];
  const start = context.addConstant("batches", tensorOf("i64", batchDims, starts));
  const sum = columns.reduce((a, b) => context.node("Add", [a, b]), start);
  const rows = context.node("Reshape", [data, list(context, flat)]);
  context.nodeTo(node.outputs, "Gather", [rows, sum], { axis: 0 });
  return true;
};

/** OneHot: the indices compared with 0, 1, 2... */
const oneHot: Rewrite = (node, context) => {
  const [indices = "", depthName, values = ""] = node.inputs;
  const depth = Math.trunc(constantNumbers(context, depthName, "depth")[0] ?? 0);
  const rank = context.typeOf(indices).dims.length + 1;
  const axis = axisOf(intAttribute(node, "axis", -1), rank);
  const whole = context.node("Cast", [indices], { to: ELEMENT_TYPES.i64.code });
  const column = context.node("Unsqueeze", [whole, list(context, [axis])]);
  const isNegative = context.node("Less", [column, scalarOf(context, "i64", 0)]);
  const raised = context.node("Add", [column, scalarOf(context, "i64", depth)]);
  const counted = context.node("Where", [isNegative, raised, column]);
  const classDims = Array.from({ length: rank - axis }, (_, k) => (k === 0 ? depth : 1));
  const classes = tensorOf(
    "i64",
    classDims,
    Array.from({ length: depth }, (_, k) => k),
  );
  const isHot = context.node("Equal", [counted, context.addConstant("classes", classes)]);
  const [off, on] = [0, 1].map((k) => context.node("Gather", [values, scalarOf(context, "i64", k)]));
  choose(context, node, isHot, on as string, off as string, context.typeOf(values).type);
  return true;
};

/** Trilu: a constant mask. */
const trilu: Rewrite = (node, context) => {
  const [input = ""] = node.inputs;
  const { type, dims } = context.typeOf(input);
  const [rows, columns] = dims.slice(-2) as [number, number];
  const shift = node.inputs[1] ? (constantNumbers(context, node.inputs[1], "diagonal")[0] as number) : 0;
  const upper = intAttribute(node, "upper", 1) === 1;
  const mask = Array.from({ length: rows * columns }, (_, k) => {
    const above = (k % columns) - Math.floor(k / columns) - shift;
    return Number(upper ? above >= 0 : above <= 0);
  });
  const kept = context.addConstant("mask", tensorOf("bool", [rows, columns], mask));
  choose(context, node, kept, input, scalarOf(context, type, 0), type);
  return true;
};

const castLike: Rewrite = (node, context) => {
  const { type } = context.typeOf(node.inputs[1] ?? "");
  context.nodeTo(node.outputs, "Cast", [node.inputs[0] ?? ""], { to: ELEMENT_TYPES[type].code });
  return true;
};

const eyeLike: Rewrite = (node, context) => {
  const like = context.typeOf(node.inputs[0] ?? "");
  const [rows, columns] = like.dims as [number, number];
  const type = elementTypeOf(intAttribute(node, "dtype", ELEMENT_TYPES[like.type].code)) ?? like.type;
  const shift = intAttribute(node, "k", 0);
  const values = Array.from({ length: rows * columns }, (_, k) =>
    Number((k % columns) - Math.floor(k / columns) === shift),
  );
  context.nodeTo(node.outputs, "Identity", [
    context.addConstant("eye", tensorOf(type, [rows, columns], values)),
  ]);
  return true;
};

/** CumSum: sums over 1, 2, 4... neighbours, so that n elements take log2 n additions of whole tensors. */
const cumSum: Rewrite = (node, context) => {
  const [input = "", axisName] = node.inputs;
  const { dims } = context.typeOf(input);
  const axis = axisOf(constantNumbers(context, axisName, "axis")[0] ?? 0, dims.length);
  const size = dims[axis] as number;
  const reverse = intAttribute(node, "reverse", 0) === 1;
  const shifted = (name: string, by: number): string => {
    const rest = reverse ? part(context, name, axis, by, size) : part(context, name, axis, 0, size - by);
    const pads = dims.flatMap(() => [0, 0]);
    pads[reverse ? dims.length + axis : axis] = by;
    return context.node("Pad", [rest, list(context, pads)]);
  };
  const isExclusive = intAttribute(node, "exclusive", 0) === 1;
  let sum = isExclusive ? (size > 1 ? shifted(input, 1) : context.node("Sub", [input, input])) : input;
  for (let by = 1; by < size; by *= 2) sum = context.node("Add", [sum, shifted(sum, by)]);
  context.nodeTo(node.outputs, "Identity", [sum]);
  return true;
};

/** Pad by mirroring, repeating or wrapping: a Gather along each padded dimension. */
const pad: Rewrite = (node, context) => {
  const mode = stringAttribute(node, "mode", "constant");
  const index = PAD_INDICES[mode];
  if (!index) return false;
  const [input = "", padsName, , axesName] = node.inputs;
  const { dims } = context.typeOf(input);
  const pads = constantNumbers(context, padsName, "pads");
  const axes = axesName ? constantNumbers(context, axesName, "axis list") : dims.map((_, k) => k);
  let result = input;
  axes.forEach((given, k) => {
    const axis = axisOf(given, dims.length);
    const size = dims[axis] as number;
    const [before, after] = [pads[k] as number, pads[k + axes.length] as number];
    if (before === 0 && after === 0) return;
    const places = Array.from({ length: before + size + after }, (_, position) =>
      index(position - before, size),
    );
    result = context.node("Gather", [result, list(context, places)], { axis });
  });
  context.nodeTo(node.outputs, "Identity", [result]);
  return true;
};

const modulo = (value: number, size: number) => ((value % size) + size) % size;
const PAD_INDICES: Readonly<Record<string, (position: number, size: number) => number>> = {
  edge: (position, size) => Math.max(0, Math.min(size - 1, position)),
  wrap: modulo,
  reflect(position, size) {
    if (size === 1) return 0;
    const folded = modulo(position, 2 * (size - 1));
    return folded < size ? folded : 2 * (size - 1) - folded;
  },
};

/** ReverseSequence with constant lengths: a Gather of the flattened dimensions of time and batch. */
const reverseSequence: Rewrite = (node, context) => {
  const [input = "", lengthsName] = node.inputs;
  const { dims } = context.typeOf(input);
  const lengths = constantNumbers(context, lengthsName, "length list");
  const timeAxis = intAttribute(node, "time_axis", 0);
  const [first, second] = dims as [number, number];
  const places = Array.from({ length: first * second }, (_, k) => {
    const [outer, inner] = [Math.floor(k / second), k % second];
    const [time, batch] = timeAxis === 0 ? [outer, inner] : [inner, outer];
    const length = lengths[batch] as number;
    const from = time < length ? length - 1 - time : time;
    return timeAxis === 0 ? from * second + batch : batch * second + from;
  });
  const flat = context.node("Reshape", [input, list(context, [first * second, ...dims.slice(2)])]);
  const moved = context.node("Gather", [flat, list(context, places)], { axis: 0 });
  context.nodeTo(node.outputs, "Reshape", [moved, list(context, dims)]);
  return true;
};

/** Concat without its parts of no elements, whose shapes may be anything along the axis. */
const concat: Rewrite = (node, context) => {
  const filled = node.inputs.filter((name) => product(context.typeOf(name).dims) > 0);
  if (filled.length === node.inputs.length || filled.length === 0) return false;
  if (filled.length === 1) context.nodeTo(node.outputs, "Identity", filled);
  else context.nodeTo(node.outputs, "Concat", filled, { axis: intAttribute(node, "axis", 0) });
  return true;
};

/** Ops that put elements elsewhere, taken apart into those that have rules. */
export const MOVEMENT_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["CastLike", castLike],
  ["Concat", concat],
  ["CumSum", cumSum],
  ["DepthToSpace", depthToSpace],
  ["EyeLike", eyeLike],
  ["GatherND", gatherND],
  ["OneHot", oneHot],
  ["Pad", pad],
  ["ReverseSequence", reverseSequence],
  ["SpaceToDepth", spaceToDepth],
  ["Split", split],
  ["Trilu", trilu],
];
