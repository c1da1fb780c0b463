import { ELEMENT_TYPES, i64Tensor } from "../../onnx/tensor.ts";
import { Elementwise } from "../elementwise.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import type { ExactValue } from "../values.ts";
import { type Axis, freshDims, product } from "../view.ts";

export interface Reduction {
  readonly accumulate: "sum" | "max" | "min";
  /** Dimensions, not negative. */
  readonly axes: readonly number[];
  readonly keepdims: boolean;
  /** What is subtracted from each element of a sum of u8. */
  readonly zero?: number;
}

const OPS = { sum: "ReduceSum", max: "ReduceMax", min: "ReduceMin" } as const;
const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/**
 * Reduces a value over dimensions: one instruction (more where its step would cost too much), and onnxruntime's reduction of the same type.
 * Sums are of i32, i64 or u8, which become i32; they must be proven to stay within their type, because onnxruntime's do not wrap.
 *
 * @param name what it is, for people
 */
export function reduceValue(
  lowering: Lowering,
  name: string,
  value: ExactValue,
  reduction: Reduction,
): ExactValue {
  const { axes, keepdims } = reduction;
  const readable = value.view.bounds?.length ? lowering.copy(name, value) : value;
  const isReduced = (dimension: number) => axes.includes(dimension);
  const { view } = readable;
  const kept = view.dims.map((own, k) => (isReduced(k) ? [] : own));
  const count = axes.reduce((total, axis) => total * (value.dims[axis] as number), 1);
  const { tensor, type, range } = emitReduction(lowering, value, reduction, count);
  const keptAxes = kept.flat();
  // The longest stride first, so that the innermost axis runs through memory.
  const overAxes = view.dims
    .flatMap((own, k) => (isReduced(k) ? own : []))
    .sort((a, b) => Math.abs(b.stride) - Math.abs(a.stride));
  const strides = (list: readonly Axis[]) => list.map((axis) => axis.stride);
  const sizes = (list: readonly Axis[]) => list.map((axis) => axis.size);
  const outDims = keptAxes.length > 0 ? sizes(keptAxes) : [1];
  const expression = new Expression();
  expression.acc();
  const outDtype = reduction.accumulate === "sum" && view.dtype !== "i64" ? "i32" : view.dtype;
  const index = lowering.program.add(
    name,
    { tensor, shape: outDims, permutation: outDims.map((_, axis) => axis) },
    {
      accumulate: reduction.accumulate,
      outDtype,
      outDims,
      reduceDims: overAxes.length > 0 ? sizes(overAxes) : [1],
      aZero: reduction.zero ?? 0,
      operands: [
        {
          space: view.space,
          index: view.index,
          dtype: view.dtype,
          elements: view.elements,
          offset: view.offset,
          out: keptAxes.length > 0 ? strides(keptAxes) : [0],
          reduce: overAxes.length > 0 ? strides(overAxes) : [0],
        },
      ],
      expression: expression.operations,
    },
  );
  const groups = kept.map(sizes).filter((_, k) => keepdims || !isReduced(k));
  const dims = value.dims.flatMap((size, k) => (isReduced(k) ? (keepdims ? [1] : []) : [size]));
  return {
    tensor,
    dims,
    type,
    view: {
      space: "trace",
      index,
      dtype: outDtype,
      elements: product(outDims),
      offset: 0,
      dims: freshDims(groups),
    },
    ...(range ? { range } : {}),
  };
}

/** The exact graph's side. */
function emitReduction(
  lowering: Lowering,
  { tensor, type, range }: ExactValue,
  { accumulate, axes, keepdims, zero = 0 }: Reduction,
  count: number,
): Pick<ExactValue, "tensor" | "type" | "range"> {
  const reduce = (source: string) =>
    lowering.emit(OPS[accumulate], [source, lowering.initializer("axes", i64Tensor([...axes]))], {
      keepdims: keepdims ? 1 : 0,
    });
  const cast = (source: string, to: number) => lowering.emit("Cast", [source], { to });
  if (accumulate === "sum") {
    const isByte = type === "u8" || type === "i8" || type === "bool";
    const own =
      range ??
      { u8: { min: 0, max: 255 }, i8: { min: -128, max: 127 }, bool: { min: 0, max: 1 } }[type as "u8"];
    const bounds = own && { min: (own.min - zero) * count, max: (own.max - zero) * count };
    // onnxruntime adds integers up one by one, and doubles many at a time: as exact within 2^53, where its own sums of integers end too.
    const doubles = cast(tensor, ELEMENT_TYPES.f64.code);
    const sum = cast(reduce(doubles), ELEMENT_TYPES[isByte ? "i32" : type].code);
    const centred = zero === 0 ? sum : lowering.emit("Sub", [sum, lowering.scalar("i32", zero * count)]);
    return { tensor: centred, type: isByte ? "i32" : type, ...(bounds ? { range: bounds } : {}) };
  }
  const known = range ? { range } : {};
  if (type === "bool") return { tensor: cast(reduce(cast(tensor, 2)), 9), type };
  const extreme = reduce(tensor);
  const zeroShows = type === "f32" && !(range && (range.min > 0 || range.max < 0));
  // Processors disagree on the sign of max(-0, +0).
  return {
    tensor: zeroShows ? lowering.emit("Add", [extreme, lowering.scalar("f32", 0)]) : extreme,
    type,
    ...known,
  };
}

/** Sums of more elements than this go through i64, so that an element keeps at least 19 bits. */
const MOST_IN_INT32 = 2 ** 12;

/** A float value as integers that can be added up: value = integer * unit. */
export interface FixedPoint {
  readonly value: ExactValue;
  /** A power of two. */
  readonly unit: number;
}

/**
 * Rounds a float value to fixed point for sums of `count` elements: the step is a power of two, chosen so that twice the range calibration saw
 * (or all of it, where it is proven) still adds up within int32: an element of the largest magnitude keeps 29 - log2(count) bits or more. Larger
 * elements saturate.
 *
 * @param axes dimensions that are reduced; they come innermost in the program's memory
 */
export function fixedPoint(
  lowering: Lowering,
  name: string,
  input: string,
  axes: readonly number[],
  count: number,
): FixedPoint {
  const kernel = new Elementwise(lowering, `${name}: fixed point`, lowering.dims(input));
  const x = kernel.operand(input);
  const seen = lowering.statistics(input);
  const proven = Math.max(Math.abs(x.range.min), Math.abs(x.range.max));
  const bound = Math.min(proven, 2 * Math.max(Math.abs(seen.min), Math.abs(seen.max)));
  const isWide = count > MOST_IN_INT32;
  const limit = isWide ? 2 ** 30 : floatBelow(INT32.max / count);
  const scale = powerOfTwoBelow(limit / (bound || 1));
  const rounded = kernel.round(kernel.clip(kernel.mul(x, kernel.float(scale)), -limit, limit));
  const integer = kernel.toInt32(rounded);
  const result = isWide ? kernel.castInt(integer, "i64") : integer;
  const value = kernel.store(result, `${name}: fixed point`, { innermost: axes });
  return { value, unit: 1 / scale };
}

/** The largest whole binary32 number that is not larger. */
function floatBelow(value: number): number {
  const rounded = Math.fround(Math.floor(value));
  return rounded <= value ? rounded : Math.fround(rounded * (1 - 2 ** -23));
}

/** Within what binary32 and its reciprocal hold as normal numbers. */
function powerOfTwoBelow(value: number): number {
  return 2 ** Math.max(-100, Math.min(100, Math.floor(Math.log2(value))));
}
