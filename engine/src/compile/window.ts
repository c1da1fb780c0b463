import { type GraphNode, intAttribute, intsAttribute, stringAttribute } from "../onnx/graph.ts";
import type { Bound } from "../program/instruction.ts";
import type { Axis, View } from "./view.ts";

/** The sliding window of a convolution or a pool, per spatial dimension. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/**
 * Reads kernel, strides, dilations and pads; auto_pad is resolved.
 *
 * @param input spatial sizes of the input
 * @param output spatial sizes of the output, as the float model gave them
 */
export function readWindow(
  node: GraphNode,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Window {
  const rank = kernel.length;
  const strides = intsAttribute(node, "strides") ?? kernel.map(() => 1);
  const dilations = intsAttribute(node, "dilations") ?? kernel.map(() => 1);
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  const pads = intsAttribute(node, "pads") ?? new Array<number>(2 * rank).fill(0);
  const total = kernel.map((size, k) => {
    const reach =
      ((output[k] as number) - 1) * (strides[k] as number) + (size - 1) * (dilations[k] as number) + 1;
    return Math.max(0, reach - (input[k] as number));
  });
  let padsBegin = kernel.map((_, k) => (autoPad === "NOTSET" ? (pads[k] as number) : 0));
  if (autoPad === "SAME_UPPER") padsBegin = total.map((pad) => Math.floor(pad / 2));
  if (autoPad === "SAME_LOWER") padsBegin = total.map((pad) => Math.ceil(pad / 2));
  // What the last window reaches past the input; ceil_mode needs no case of its own.
  const padsEnd = total.map((pad, k) => Math.max(0, pad - (padsBegin[k] as number)));
  return { kernel, strides, dilations, padsBegin, padsEnd, input, output };
}

/** Whether some position of the window lies wholly in the padding: dilation can step over a small picture. */
export function hasEmptyPosition(window: Window): boolean {
  const { kernel, strides, dilations, padsBegin, input, output } = window;
  return kernel.some((size, k) => {
    const seesInput = (position: number) => {
      const first = position * (strides[k] as number) - (padsBegin[k] as number);
      return Array.from({ length: size }, (_, tap) => first + tap * (dilations[k] as number)).some(
        (at) => at >= 0 && at < (input[k] as number),
      );
    };
    return Array.from({ length: output[k] as number }, (_, position) => position).some(
      (position) => !seesInput(position),
    );
  });
}

/** Attributes of an ONNX node with this window, pads written out. */
export function windowAttributes(window: Window): Record<string, readonly number[]> {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  return { kernel_shape: kernel, strides, dilations, pads: [...padsBegin, ...padsEnd] };
}

/** Why a window op cannot be read, or undefined. */
export function checkWindow(node: GraphNode): string | undefined {
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  if (!["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"].includes(autoPad))
    return `auto_pad ${autoPad} is unknown`;
  const positive = [...(intsAttribute(node, "strides") ?? []), ...(intsAttribute(node, "dilations") ?? [])];
  if (positive.some((value) => value < 1)) return "its strides and dilations must be at least 1";
  if ((intsAttribute(node, "pads") ?? []).some((value) => value < 0))
    return "negative pads are not supported";
  if ((intsAttribute(node, "kernel_shape") ?? []).some((value) => value < 1))
    return "its kernel must be at least 1";
  if (intAttribute(node, "storage_order", 0) !== 0) return "storage_order 1 is not supported";
  return undefined;
}

/** How an image is read through a window: strides per output position and per kernel position, and the bounds of padding. */
export interface WindowMap {
  readonly offset: number;
  /** Element strides per output spatial dimension. */
  readonly out: readonly number[];
  /** Element strides per kernel dimension. */
  readonly kernel: readonly number[];
  /** Bounds over (spatial output dims, kernel dims), one where a window can leave the image. */
  readonly bounds: readonly { readonly limit: number; readonly offset: number; readonly dimension: number }[];
}

/** @param spatial the view's spatial dimensions, each of one axis (or none, for size 1) */
export function mapWindow(window: Window, spatial: readonly (Axis | undefined)[]): WindowMap {
  let offset = 0;
  const bounds: { limit: number; offset: number; dimension: number }[] = [];
  const strideOf = (k: number) => spatial[k]?.stride ?? 1;
  window.input.forEach((size, k) => {
    const pad = window.padsBegin[k] as number;
    offset -= pad * strideOf(k);
    if (pad > 0 || (window.padsEnd[k] as number) > 0)
      bounds.push({ limit: size, offset: -pad, dimension: k });
  });
  return {
    offset,
    out: window.strides.map((stride, k) => stride * strideOf(k)),
    kernel: window.dilations.map((dilation, k) => dilation * strideOf(k)),
    bounds,
  };
}

/** A bound of the window over whole forms: `before` output dims come first, `after` follow; kernel dims lead the reduction. */
export function windowBounds(
  window: Window,
  map: WindowMap,
  outRank: number,
  before: number,
  reduceRank: number,
): Bound[] {
  return map.bounds.map(({ limit, offset, dimension }) => {
    const out = new Array<number>(outRank).fill(0);
    const reduce = new Array<number>(reduceRank).fill(0);
    out[before + dimension] = window.strides[dimension] as number;
    reduce[dimension] = window.dilations[dimension] as number;
    return { limit, offset, out, reduce };
  });
}

/** The spatial axes of an image view [N, C, spatial...]; undefined where a dimension is not one axis. */
export function imageAxes(
  view: View,
): { batch: Axis; channel: Axis; spatial: (Axis | undefined)[] } | undefined {
  if (view.dims.some((axes) => axes.length > 1)) return undefined;
  const single = (axes: readonly Axis[] | undefined) => axes?.[0];
  return {
    batch: single(view.dims[0]) ?? { size: 1, stride: 0 },
    channel: single(view.dims[1]) ?? { size: 1, stride: 0 },
    spatial: view.dims.slice(2).map(single),
  };
}
