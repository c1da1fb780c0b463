import {
  floatAttribute,
  type GraphNode,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from "../../onnx/graph.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import { axisOf, list, tensorOf } from "./movement.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

const f32 = Math.fround;

/** One dimension that is resized. */
interface Side {
  readonly axis: number;
  /** Dimensions after it. */
  readonly behind: number;
  readonly from: number;
  readonly to: number;
  /** Output by input size, as binary32: what coordinates are computed with. */
  readonly scale: number;
  /** The output size before it is rounded, where scales are given. */
  readonly length: number;
}

/** What one output position is made of: input positions and their weights. */
interface Taps {
  readonly places: readonly number[];
  readonly weights: readonly number[];
}

/**
 * Resize: along each dimension a Gather for every tap, times its weight. Nearest has one tap of weight 1, linear two, cubic four. Coordinates
 * are computed in binary32, as onnxruntime does.
 */
const resize: Rewrite = (node, context) => {
  const [input = ""] = node.inputs;
  if (isRepetition(node, context)) return false;
  const mode = stringAttribute(node, "mode", "nearest");
  const coordinates = stringAttribute(node, "coordinate_transformation_mode", "half_pixel");
  const original = COORDINATES[coordinates];
  if (!original) throw context.unsupported(`its coordinates are "${coordinates}"`);
  if (intAttribute(node, "antialias", 0) === 1) throw context.unsupported("it smooths (antialias)");
  const tapsAt = INTERPOLATIONS[mode];
  if (!tapsAt) throw context.unsupported(`its mode is "${mode}"`);
  let result = input;
  for (const side of resizedSides(node, context)) {
    const taps = Array.from({ length: side.to }, (_, position) => {
      const at = side.scale === 1 ? position : original(position, side);
      return tapsAt(at, side, node);
    });
    result = interpolated(context, result, side, taps);
  }
  context.nodeTo(node.outputs, "Identity", [result]);
  return true;
};

/** From an output position to a coordinate of the input (https://onnx.ai/onnx/operators/onnx__Resize.html). */
const COORDINATES: Readonly<Record<string, (position: number, side: Side) => number>> = {
  asymmetric: (x, { scale }) => f32(x / scale),
  half_pixel: (x, { scale }) => f32(f32(f32(x + 0.5) / scale) - 0.5),
  pytorch_half_pixel: (x, { scale, to }) => (to > 1 ? f32(f32(f32(x + 0.5) / scale) - 0.5) : 0),
  align_corners: (x, { from, to, length }) => (to === 1 ? 0 : f32(f32(x * (from - 1)) / f32(length - 1))),
  half_pixel_symmetric(x, { scale, from, to }) {
    const adjustment = f32(to / f32(scale * from));
    const offset = f32(f32(from / 2) * f32(1 - adjustment));
    return f32(offset + f32(f32(f32(x + 0.5) / scale) - 0.5));
  },
};

const NEAREST: Readonly<Record<string, (at: number) => number>> = {
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

const INTERPOLATIONS: Readonly<Record<string, (at: number, side: Side, node: GraphNode) => Taps>> = {
  nearest(at, { from }, node) {
    const round = NEAREST[stringAttribute(node, "nearest_mode", "round_prefer_floor")] as (
      at: number,
    ) => number;
    return { places: [Math.max(0, Math.min(from - 1, round(at)))], weights: [1] };
  },
  linear(at, { from }) {
    const inside = Math.max(0, Math.min(from - 1, at));
    const first = Math.floor(inside);
    const second = Math.min(first + 1, from - 1);
    const share = f32(inside - first);
    return { places: [first, second], weights: [f32(1 - share), share] };
  },
  cubic(at, { from }, node) {
    const a = floatAttribute(node, "cubic_coeff_a", -0.75);
    const first = Math.floor(at);
    const share = at - first;
    const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1;
    const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    const places = [first - 1, first, first + 1, first + 2];
    let weights = [far(share + 1), near(share), near(1 - share), far(2 - share)];
    if (intAttribute(node, "exclude_outside", 0) === 1) {
      weights = weights.map((weight, k) =>
        (places[k] as number) >= 0 && (places[k] as number) < from ? weight : 0,
      );
      const sum = weights.reduce((total, weight) => total + weight, 0);
      weights = weights.map((weight) => weight / sum);
    }
    return { places: places.map((place) => Math.max(0, Math.min(from - 1, place))), weights };
  },
};

/** The dimensions whose size or coordinates change. */
function resizedSides(node: GraphNode, context: RewriteContext): Side[] {
  const [input = "", , scalesName, sizesName] = node.inputs;
  const { dims } = context.typeOf(input);
  const output = context.typeOf(node.outputs[0] ?? "").dims;
  const axes = (intsAttribute(node, "axes") ?? dims.map((_, k) => k)).map((axis) =>
    axisOf(axis, dims.length),
  );
  const scales = numbersOf(context.constant(scalesName)) ?? [];
  const sizes = numbersOf(context.constant(sizesName)) ?? [];
  if (scales.length === 0 && sizes.length === 0)
    throw context.unsupported("its scales or sizes are not constants");
  const policy = stringAttribute(node, "keep_aspect_ratio_policy", "stretch");
  const ratios = sizes.map((size, k) => f32(size / (dims[axes[k] as number] as number)));
  const common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return axes.flatMap((axis, k) => {
    const [from, to] = [dims[axis] as number, output[axis] as number];
    const own = sizes.length > 0 ? (policy === "stretch" ? ratios[k] : common) : scales[k];
    const scale = f32(own as number);
    const length = sizes.length > 0 ? to : f32(from * scale);
    return from === to && scale === 1
      ? []
      : [{ axis, behind: dims.length - 1 - axis, from, to, scale, length }];
  });
}

/** The sum over taps of the elements they name times their weights. */
function interpolated(context: RewriteContext, input: string, side: Side, taps: readonly Taps[]): string {
  const { axis } = side;
  const count = taps[0]?.places.length ?? 0;
  let sum: string | undefined;
  for (let tap = 0; tap < count; tap++) {
    const weights = taps.map((each) => each.weights[tap] as number);
    if (weights.every((weight) => weight === 0)) continue;
    const places = list(
      context,
      taps.map((each) => each.places[tap] as number),
    );
    const picked = context.node("Gather", [input, places], { axis });
    const isPlain = weights.every((weight) => weight === 1);
    const factors = () =>
      context.addConstant(
        "weights",
        tensorOf("f32", [weights.length, ...Array(side.behind).fill(1)], weights),
      );
    const term = isPlain ? picked : context.node("Mul", [picked, factors()]);
    sum = sum === undefined ? term : context.node("Add", [sum, term]);
  }
  return sum ?? input;
}

/**
 * Whether every element is repeated a whole number of times (the usual Resize of feature maps): onnxruntime's own Resize does it exactly, and
 * fast, since such coordinates are exact whatever the order of operations.
 */
export function isRepetition(node: GraphNode, context: RewriteContext): boolean {
  const { type, dims } = context.typeOf(node.inputs[0] ?? "");
  if (stringAttribute(node, "mode", "nearest") !== "nearest" || !REPEATABLE.has(type) || dims.length !== 4)
    return false;
  const original = COORDINATES[stringAttribute(node, "coordinate_transformation_mode", "half_pixel")];
  const nearest = INTERPOLATIONS.nearest;
  const sides = resizedSides(node, context);
  return (
    original !== undefined &&
    sides.every((side) => {
      const times = side.to / side.from;
      // Powers of two: their quotients have no rounding.
      if (!Number.isInteger(Math.log2(times)) || times < 1 || side.scale !== times) return false;
      return Array.from({ length: side.to }, (_, x) => x).every(
        (x) => nearest?.(original(x, side), side, node).places[0] === Math.floor(x / times),
      );
    })
  );
}

const REPEATABLE: ReadonlySet<string> = new Set(["f32", "i32", "u8", "i8"]);

export const RESIZE_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [["Resize", resize]];
