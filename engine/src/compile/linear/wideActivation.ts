import { ELEMENT_TYPES } from "../../onnx/tensor.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { type Layout, mapInstruction } from "../mapInstruction.ts";
import type { ValueStatistics } from "../quantisation.ts";
import type { ExactValue } from "../values.ts";
import type { View } from "../view.ts";

/** One u8 tensor of the program that a wide activation is made of. */
export interface Plane {
  readonly view: View;
  /** In the exact graph; undefined where that works with the whole integers. */
  readonly tensor: string | undefined;
  /** The value that stands for 0. */
  readonly zero: number;
  /** What one step of it is worth in the activation's integers. */
  readonly weight: 1 | 256 | 65536;
}

/** The most integers to each side of 0 that three u8 planes hold: as many as f32 tells apart. */
export const THREE_PLANES = 2 ** 23 - 1;

/**
 * A float value x as integers of up to 24 bits: x = integer * scale, integer = sum of (plane - zero) * weight. The exact graph has the integers as f32,
 * the program as u8 planes.
 */
export interface WideActivation {
  /** The integers, f32, in the exact graph. The sign of zeros is not defined. */
  readonly tensor: string;
  readonly dims: readonly number[];
  readonly scale: number;
  /** The largest magnitude an integer can have. */
  readonly most: number;
  readonly planes: readonly Plane[];
}

/** Room for values beyond what calibration saw: the more integers there are, the less it costs. */
function margin(most: number): number {
  if (most >= 16384) return 4;
  if (most >= 1024) return 2;
  return most >= 256 ? 1.25 : 1;
}

/** What decides how an activation becomes integers, before it is known how many it may have. */
export interface WideRange {
  /** The float range, from 0, that the integers must reach. */
  readonly reach: number;
  readonly isSigned: boolean;
  /** Fixed where the value exists as u8 only: more integers than it has would add nothing. */
  readonly fixed: { readonly scale: number; readonly zero: number } | undefined;
  /** What one of the value at hand is worth (see `Lowering.affine`). */
  readonly factor: number;
  /** Whether that is x * held(x + constant): a power of four can be taken into both factors, half of it into each. */
  readonly isSwish: boolean;
}

export function wideRange(lowering: Lowering, name: string): WideRange {
  const { min, max } = lowering.statistics(name);
  const { plain, quantised } = lowering.known(name);
  const isSigned = min < 0;
  const reach = Math.max(Math.abs(min), Math.abs(max), 1e-30);
  const isCoarse = quantised && !plain && !lowering.hasPlain(name);
  const fixed = isCoarse ? quantised().quantisation : undefined;
  const { source, factor } = lowering.affine(name);
  return { reach, isSigned, fixed, factor, isSwish: isSwish(lowering, source) };
}

function isSwish({ graph }: Lowering, name: string): boolean {
  const producer = (of: string | undefined) => graph.nodes.find(({ outputs }) => outputs[0] === of);
  const product = producer(name);
  if (product?.op !== "Mul") return false;
  return [product.inputs, [...product.inputs].reverse()].some(([x, gate]) => {
    const held = producer(gate);
    const shifted = held?.op === "Clip" ? producer(held.inputs[0]) : undefined;
    return shifted?.op === "Add" && shifted.inputs.includes(x ?? "");
  });
}

/** The most integers to each side of 0 that two u8 planes hold. */
export function mostIntegers({ isSigned, fixed }: WideRange): number {
  if (fixed) return Math.max(fixed.zero, 255 - fixed.zero);
  return isSigned ? 32767 : 65535;
}

/** The scale of integers of at most `most`. */
export function wideScale({ reach, fixed }: WideRange, most: number): number {
  if (fixed) return fixed.scale;
  return Math.fround((reach * margin(most)) / most);
}

/**
 * The scale of integers of at most `most`, a power of two times what is at hand: making integers then multiplies by a power of two, which the filters of a
 * convolution in front can take in (`engine/src/run/forms/foldedSteps.ts`).
 */
export function binaryScale(range: WideRange, most: number): number {
  if (range.fixed) return range.fixed.scale;
  const exponent = Math.log2(wideScale(range, most) / range.factor);
  return range.factor * 2 ** (range.isSwish ? 2 * Math.ceil(exponent / 2) : Math.ceil(exponent));
}

/** The mean square of a value over the calibration samples (zeros left out). */
export function meanSquare({ min, max, histogram }: ValueStatistics): number {
  const width = (max - min) / histogram.length;
  let count = 0;
  let sum = 0;
  histogram.forEach((times, bin) => {
    count += times;
    sum += times * (min + (bin + 0.5) * width) ** 2;
  });
  return count > 0 ? sum / count : max * max;
}

export interface WideForm {
  /** How many integers to each side of 0 at most. */
  readonly most: number;
  /** What a step of them is worth; chosen by `most` if left out. */
  readonly scale?: number;
  /** Whether the exact graph is to have the planes too. */
  readonly inPlanes: boolean;
  /** Of the planes in the program. */
  readonly layout: Layout;
}

/** Makes the integers of a value; made once for all readers that ask for the same form. */
export function wideActivation(lowering: Lowering, name: string, form: WideForm): WideActivation {
  const { most, inPlanes, layout } = form;
  const range = wideRange(lowering, name);
  const { scale = wideScale(range, most) } = form;
  return lowering.once(`wide ${name} ${most} ${scale} ${inPlanes} ${layout}`, () => {
    if (range.fixed) {
      const value = lowering.quantised(name);
      const { zero } = value.quantisation;
      const inputs = [value.tensor, lowering.scalar("f32", 1), lowering.scalar("u8", zero)];
      const tensor = inPlanes ? "" : lowering.emit("DequantizeLinear", inputs, {}, `${name}_integers`);
      const plane: Plane = { view: value.view, tensor: value.tensor, zero, weight: 1 };
      return { tensor, dims: value.dims, scale, most: mostIntegers(range), planes: [plane] };
    }
    const low = range.isSigned ? -most : 0;
    const { source, factor, offset } = lowering.affine(name);
    const value = lowering.plain(source);
    const steps = Math.fround(factor / scale);
    const shift = Math.fround(offset / scale);
    let scaled = lowering.emit("Mul", [value.tensor, lowering.scalar("f32", steps)], {}, `${name}_steps`);
    if (shift !== 0) scaled = lowering.emit("Add", [scaled, lowering.scalar("f32", shift)]);
    const ends = [lowering.scalar("f32", low), lowering.scalar("f32", most)];
    // A value that cannot leave the range, as after Relu6, need not be held in it.
    const end = (x: number) => Math.fround(Math.fround(x * steps) + shift);
    const isInside = value.range !== undefined && end(value.range.min) >= low && end(value.range.max) <= most;
    const clipped = isInside ? scaled : lowering.emit("Clip", [scaled, ...ends]);
    const tensor = lowering.emit("Round", [clipped], {}, `${name}_integers`);
    const planes = emitPlanes(lowering, {
      name,
      value,
      steps,
      shift,
      isInside,
      low,
      most,
      integers: inPlanes ? tensor : undefined,
      layout,
    });
    return { tensor, dims: value.dims, scale, most, planes };
  });
}

interface PlaneParameters {
  readonly name: string;
  readonly value: ExactValue;
  /** v = x * steps + shift, within low and most already if it is inside. */
  readonly steps: number;
  readonly shift: number;
  readonly isInside: boolean;
  readonly low: number;
  readonly most: number;
  /** In the exact graph, if that is to have planes. */
  readonly integers: string | undefined;
  readonly layout: Layout;
}

/**
 * The instructions of the planes: v = clip(round(x * steps + shift)) + zero; the highest plane is v over its weight, rounded down, the next the rest over its
 * weight, and so on. Every operation is exact in f32 after the first.
 */
function emitPlanes(
  lowering: Lowering,
  { name, value, steps, shift, isInside, low, most, integers, layout }: PlaneParameters,
): Plane[] {
  const count = most - low <= 255 ? 1 : most - low <= 65535 ? 2 : 3;
  const zero = low < 0 ? 2 ** (8 * count - 1) : 0;
  const emit = lowering.emit.bind(lowering);
  const number = (constant: number) => lowering.scalar("f32", constant);
  let left = integers && (zero === 0 ? integers : emit("Add", [integers, number(zero)]));
  /** v without its planes above `weight`, then that plane of it. */
  const write = (e: Expression, weight: number) => {
    const product = e.apply("fmul", e.load(0), e.float(steps));
    const scaled = shift === 0 ? product : e.apply("fadd", product, e.float(shift));
    const clipped = isInside ? scaled : e.apply("fmin", e.apply("fmax", scaled, e.float(low)), e.float(most));
    let rest = e.apply("fadd", e.apply("fround", clipped), e.float(zero));
    for (let above = 256 ** (count - 1); above > weight; above /= 256) {
      const plane = e.apply("ffloor", e.apply("fmul", rest, e.float(1 / above)));
      rest = e.apply("fsub", rest, e.apply("fmul", plane, e.float(above)));
    }
    return weight === 1 ? rest : e.apply("ffloor", e.apply("fmul", rest, e.float(1 / weight)));
  };
  return PLANE_WEIGHTS.slice(0, count)
    .reverse()
    .map((weight) => {
      let plane = left;
      if (left && weight > 1) {
        plane = emit("Floor", [emit("Mul", [left, number(1 / weight)])]);
        left = emit("Sub", [left, emit("Mul", [plane, number(weight)])]);
      }
      const e = new Expression();
      e.apply("toint", write(e, weight));
      const tensor = plane && emit("Cast", [plane], { to: ELEMENT_TYPES.u8.code });
      const role = `${name}: ${count === 1 ? "integers" : `bytes of ${weight}`}`;
      const view = mapInstruction(lowering.program, role, tensor ?? null, "u8", [value.view], e, layout);
      return { view, tensor, zero: weight === 256 ** (count - 1) && zero > 0 ? 128 : 0, weight };
    });
}

const PLANE_WEIGHTS = [1, 256, 65536] as const;
