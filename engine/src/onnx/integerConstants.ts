import { type GraphNode, intAttribute, intsAttribute } from "./graph.ts";
import { ELEMENT_TYPES, type HostTensor } from "./tensor.ts";

/** The integers a float constant was dequantised from: value = (integer - zero) * scale. */
export interface IntegerConstant {
  /** Of the constant's own sizes: u8, i8, i32 or another integer type. */
  readonly integers: HostTensor;
  /** Binary32: one for all, or one per index of `axis`. */
  readonly scales: Float32Array;
  /** As many as scales. */
  readonly zeros: Int32Array;
  /** The dimension that scales and zeros belong to; undefined where there is one of each. */
  readonly axis: number | undefined;
}

const INTEGERS = new Set(["u8", "i8", "u16", "i16", "i32"]);
/** Ops that move a constant's elements and compute nothing. */
const RESHAPES = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** What a DequantizeLinear of constants keeps: undefined for blocks with scales of their own, which no integer kernel takes. */
export function dequantisedIntegers(
  node: GraphNode,
  constants: ReadonlyMap<string, HostTensor>,
): IntegerConstant | undefined {
  if (node.op !== "DequantizeLinear") return undefined;
  const [integers, scale, zero] = node.inputs.map((name) => constants.get(name));
  if (!integers || scale?.type !== "f32" || !INTEGERS.has(integers.type)) return undefined;
  const scales = scale.data as Float32Array;
  const zeros = zero ? Int32Array.from(zero.data as Int32Array) : new Int32Array(scales.length);
  if (scales.length === 1 && zeros.length === 1) return { integers, scales, zeros, axis: undefined };
  const rank = integers.dims.length;
  const axis = intAttribute(node, "axis", 1);
  const dimension = axis < 0 ? axis + rank : axis;
  const fits = scale.dims.length === 1 && scales.length === integers.dims[dimension];
  return fits && zeros.length === scales.length ? { integers, scales, zeros, axis: dimension } : undefined;
}

/**
 * The integers behind a constant that is written in single operations, as some tools dequantise: Cast of integers, Mul by a scale, Add of the zero
 * point times the scale.
 *
 * @param known the integers found so far, by name
 */
export function writtenOutIntegers(
  node: GraphNode,
  constants: ReadonlyMap<string, HostTensor>,
  known: ReadonlyMap<string, IntegerConstant>,
): IntegerConstant | undefined {
  const [first = "", second = ""] = node.inputs;
  if (node.op === "Cast") {
    const integers = constants.get(first);
    const isFloat = intAttribute(node, "to", 0) === ELEMENT_TYPES.f32.code;
    if (!isFloat || !integers || (integers.type !== "u8" && integers.type !== "i8")) return undefined;
    return { integers, scales: Float32Array.of(1), zeros: Int32Array.of(0), axis: undefined };
  }
  if (node.op !== "Mul" && node.op !== "Add") return undefined;
  const [name, other] = known.has(first) ? [first, second] : [second, first];
  const source = known.get(name);
  const constant = constants.get(other);
  if (source?.scales.length !== 1 || constant?.type !== "f32" || constant.data.length !== 1) return undefined;
  const [scale] = source.scales as unknown as [number];
  const [number] = constant.data as unknown as [number];
  if (node.op === "Mul")
    return number > 0 ? { ...source, scales: Float32Array.of(scale * number) } : undefined;
  const shift = Math.round(number / scale);
  // The zero point times the scale, rounded to single precision.
  if (!(Math.abs(number / scale - shift) < 1e-4 && Math.abs(shift) < 256)) return undefined;
  return { ...source, zeros: source.zeros.map((zero) => zero - shift) };
}

/** Whether the node's result holds the elements of its first input, perhaps in other places. */
export function movesElements({ op }: GraphNode): boolean {
  return op === "Transpose" || RESHAPES.has(op);
}

/**
 * What remains of a constant's integers after it was moved.
 * @param moved the integers, moved as the constant was
 * @returns undefined where the dimension with scales of its own was cut or merged
 */
export function movedIntegers(
  node: GraphNode,
  source: IntegerConstant,
  moved: HostTensor,
): IntegerConstant | undefined {
  if (source.axis === undefined) return { ...source, integers: moved };
  const from = source.integers.dims;
  if (node.op === "Transpose") {
    const permutation = intsAttribute(node, "perm") ?? from.map((_, k) => from.length - 1 - k);
    return { ...source, integers: moved, axis: permutation.indexOf(source.axis) };
  }
  const before = (dims: readonly number[], axis: number) =>
    dims.slice(0, axis).reduce((product, size) => product * size, 1);
  const outer = before(from, source.axis);
  const size = from[source.axis];
  const axis = moved.dims.findIndex((own, k) => own === size && before(moved.dims, k) === outer);
  return axis < 0 ? undefined : { ...source, integers: moved, axis };
}
