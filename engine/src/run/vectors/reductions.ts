import { ELEMENT_TYPES, type ElementType, type HostTensor } from "../../onnx/tensor.ts";
import { edgeValue } from "./edgeValues.ts";
import { store } from "./elementwise.ts";
import { type Draw, defineVector, filled, host, type KernelVector, scalar } from "./vector.ts";

type Value = number | bigint;

/** i64 as doubles and back: all of them and their sums are within 2^53. */
function doubleSum(over: keyof typeof AXES): KernelVector {
  return defineVector(`ReduceSum f64 of i64 over ${over}`, (draw) => {
    const x = filled("i64", DIMS, () => BigInt(draw.bits() - 2 ** 31) << 11n);
    const { dims, values } = reduceAlong(x, AXES[over], sum as (a: Value, b: Value) => Value);
    return {
      feeds: { x },
      initializers: { axes: host("i64", [AXES[over].length], AXES[over]) },
      nodes(model) {
        model.node("Cast", ["x"], ["real"], { to: ELEMENT_TYPES.f64.code });
        model.node("ReduceSum", ["real", "axes"], ["sum"], { keepdims: 1 });
        model.node("Cast", ["sum"], ["y"], { to: ELEMENT_TYPES.i64.code });
      },
      outputs: { y: ["i64", dims] },
      expected: () => [store("i64", values)],
    };
  });
}

/** Over the last axis of [5, 6, 37], over the middle one, and over all. */
const DIMS = [5, 6, 37] as const;
const AXES = { last: [2], middle: [1], all: [0, 1, 2] } as const;

function reduceAlong(
  x: HostTensor,
  axes: readonly number[],
  combine: (a: Value, b: Value) => Value,
): { dims: number[]; values: Value[] } {
  const dims = DIMS.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const values: Value[] = [];
  const [, six, last] = DIMS;
  x.data.forEach((value: Value, index: number) => {
    const position = [Math.floor(index / (six * last)), Math.floor(index / last) % six, index % last];
    let at = 0;
    dims.forEach((size, axis) => {
      at = at * size + (size === 1 ? 0 : (position[axis] as number));
    });
    const before = values[at];
    values[at] = before === undefined ? value : combine(before, value);
  });
  return { dims, values };
}

interface Reduction {
  readonly op: "ReduceSum" | "ReduceMax" | "ReduceMin";
  readonly type: ElementType;
  readonly next: (draw: Draw) => Value;
  readonly combine: (a: never, b: never) => Value;
}

const sum = (a: never, b: never) => (a as number) + (b as number);
const larger = (a: Value, b: Value) => (a > b ? a : b);
const smaller = (a: Value, b: Value) => (a < b ? a : b);
/** Sums of 1110 of them stay below 2^24, so that every order of adding binary32 numbers is exact. */
const smallWhole = (draw: Draw) => draw.int(-15_000, 15_000);
/** i64 within int32, as for Max and Min. */
const drawn = (type: ElementType) => (draw: Draw) => edgeValue(draw, type === "i64" ? "i32" : type);

const REDUCTIONS: readonly Reduction[] = [
  // onnxruntime adds integers up in doubles and does not wrap: sums have to stay within int32, and within 2^53.
  { op: "ReduceSum", type: "i32", next: (draw) => draw.int(-1_900_000, 1_900_000), combine: sum },
  { op: "ReduceSum", type: "i64", next: (draw) => BigInt(draw.bits() - 2 ** 31) << 11n, combine: sum },
  { op: "ReduceSum", type: "f32", next: smallWhole, combine: sum },
  ...(["u8", "i8", "i32", "i64", "f32"] as const).flatMap((type): Reduction[] => [
    { op: "ReduceMax", type, next: drawn(type), combine: larger },
    { op: "ReduceMin", type, next: drawn(type), combine: smaller },
  ]),
];

function reduction({ op, type, next, combine }: Reduction, over: keyof typeof AXES): KernelVector {
  return defineVector(`${op} ${type} over ${over}`, (draw) => {
    const x = filled(type, DIMS, () => next(draw));
    const { dims, values } = reduceAlong(x, AXES[over], combine as (a: Value, b: Value) => Value);
    const isFloat = type === "f32";
    const axes = AXES[over];
    const inInput = op === "ReduceSum";
    return {
      feeds: { x },
      initializers: {
        ...(inInput ? { axes: host("i64", [axes.length], axes) } : {}),
        ...(isFloat ? { zero: scalar("f32", 0) } : {}),
      },
      nodes(model) {
        model.node(
          op,
          inInput ? ["x", "axes"] : ["x"],
          [isFloat ? "signed" : "y"],
          inInput ? { keepdims: 1 } : { axes, keepdims: 1 },
        );
        if (isFloat) model.node("Add", ["signed", "zero"], ["y"]);
      },
      outputs: { y: [type, dims] },
      expected: () => [store(type, isFloat ? values.map((value) => Number(value) + 0) : values)],
    };
  });
}

function maxPool(
  type: "u8" | "i8" | "f32",
  what: string,
  dims: readonly number[],
  attributes: Record<string, number | number[]>,
  op: "MaxPool" | "com.microsoft.NhwcMaxPool" = "MaxPool",
) {
  return defineVector(`${op} ${type} ${what}`, (draw) => {
    const rank = dims.length;
    return {
      feeds: { x: filled(type, dims, () => edgeValue(draw, type)) },
      initializers: type === "f32" ? { zero: scalar("f32", 0) } : {},
      nodes(model) {
        model.node(op, ["x"], [type === "f32" ? "signed" : "y"], attributes);
        if (type === "f32") model.node("Add", ["signed", "zero"], ["y"]);
      },
      outputs: { y: [type, Array.from({ length: rank }, () => "?") as never] },
    };
  });
}

/** Distinct values but for some ties, which go to the first. */
function tied(draw: Draw, type: ElementType, dims: readonly number[]): HostTensor {
  return filled(type, dims, () => draw.int(-20, 20) + (type === "u8" ? 20 : 0));
}

function topK(type: "f32" | "i32" | "i64", largest: 0 | 1, k: number): KernelVector {
  return defineVector(`TopK ${type} ${largest ? "largest" : "least"} ${k}`, (draw) => ({
    feeds: { x: tied(draw, type, [4, 90]) },
    initializers: { k: host("i64", [1], [k]) },
    nodes: (model) =>
      void model.node("TopK", ["x", "k"], ["values", "indices"], { axis: 1, largest, sorted: 1 }),
    outputs: { values: [type, [4, k]], indices: ["i64", [4, k]] },
  }));
}

function argument(op: "ArgMax" | "ArgMin", type: "f32" | "i32" | "u8", axis: number): KernelVector {
  return defineVector(`${op} ${type} of axis ${axis}`, (draw) => ({
    feeds: { x: tied(draw, type, [7, 33, 5]) },
    nodes: (model) => void model.node(op, ["x"], ["y"], { axis, keepdims: 1 }),
    outputs: { y: ["i64", [7, 33, 5].map((size, at) => (at === axis ? 1 : size))] },
  }));
}

function cumulativeSum(type: "f32" | "i32" | "i64"): KernelVector {
  return defineVector(`CumSum ${type}`, (draw) => ({
    feeds: { x: filled(type, [4, 50], () => smallWhole(draw)) },
    initializers: { axis: scalar("i64", 1) },
    nodes: (model) => void model.node("CumSum", ["x", "axis"], ["y"]),
    outputs: { y: [type, [4, 50]] },
  }));
}

/** Sums, extrema, pools and positions of extrema. */
export const REDUCTION_VECTORS: readonly KernelVector[] = [
  ...REDUCTIONS.flatMap((what) =>
    (Object.keys(AXES) as (keyof typeof AXES)[]).map((over) => reduction(what, over)),
  ),
  ...(Object.keys(AXES) as (keyof typeof AXES)[]).map(doubleSum),
  ...(["u8", "i8", "f32"] as const).flatMap((type) => [
    maxPool(type, "2x2", [1, 5, 9, 8], { kernel_shape: [2, 2], strides: [2, 2] }),
    maxPool(type, "3x3 padded", [2, 3, 7, 7], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }),
    maxPool(type, "1d", [1, 4, 41], { kernel_shape: [4], strides: [3], ceil_mode: 1 }),
  ]),
  ...(["u8", "i8"] as const).flatMap((type) => [
    maxPool(
      type,
      "2x2",
      [1, 9, 8, 5],
      { kernel_shape: [2, 2], strides: [2, 2] },
      "com.microsoft.NhwcMaxPool",
    ),
    maxPool(
      type,
      "3x3 padded",
      [2, 7, 7, 37],
      { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
      "com.microsoft.NhwcMaxPool",
    ),
  ]),
  ...(["f32", "i32", "i64"] as const).flatMap((type) => [
    topK(type, 1, 1),
    topK(type, 1, 7),
    topK(type, 0, 60),
  ]),
  ...(["ArgMax", "ArgMin"] as const).flatMap((op) => [
    argument(op, "f32", 1),
    argument(op, "f32", 2),
    argument(op, "i32", 1),
    argument(op, "u8", 1),
  ]),
  ...(["f32", "i32", "i64"] as const).map(cumulativeSum),
];
