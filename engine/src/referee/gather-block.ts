import { clipRun, type LoopNest } from "./loop-nest.ts";
import { advance, unflatten } from "./position.ts";
import type { NumberTensor } from "./typed-tensor.ts";

/**
 * Loads an operand at reduction position 0 for `count` output elements from `element` on; 0 where it is out of bounds, and for NaN.
 *
 * @param nest Of that operand alone.
 */
export function gatherBlock(
  target: Int32Array | Float32Array,
  source: NumberTensor,
  nest: LoopNest,
  element: number,
  count: number,
): void {
  const { outDims } = nest;
  const { map, bounds } = nest.operands[0] as LoopNest["operands"][0];
  const last = outDims.length - 1;
  const width = outDims[last] as number;
  const step = map.out[last] as number;
  const o = unflatten(element, outDims);
  let at = 0;
  while (at < count) {
    const column = o[last] as number;
    const length = Math.min(width - column, count - at);
    let from = 0;
    let end = length;
    for (const bound of bounds) {
      const [low, high] = clipRun(valueAt(bound, o), bound.out[last] as number, bound.limit, length);
      from = Math.max(from, low);
      end = Math.min(end, high);
    }
    if (from >= end) {
      target.fill(0, at, at + length);
    } else {
      target.fill(0, at, at + from);
      target.fill(0, at + end, at + length);
      copyRun(target, at + from, source, valueAt(map, o) + from * step, step, end - from);
    }
    at += length;
    o[last] = width - 1;
    advance(o, outDims);
  }
  if (target instanceof Float32Array) {
    for (let i = 0; i < count; i++) if (Number.isNaN(target[i])) target[i] = 0;
  }
}

function copyRun(
  target: Int32Array | Float32Array,
  at: number,
  source: NumberTensor,
  from: number,
  step: number,
  length: number,
): void {
  if (step === 0) {
    target.fill(source[from] as number, at, at + length);
    return;
  }
  if (step === 1 && length >= 64) {
    target.set(source.subarray(from, from + length), at);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[from + i * step] as number;
}

function valueAt(form: { offset: number; out: readonly number[] }, o: readonly number[]): number {
  let value = form.offset;
  for (let k = 0; k < form.out.length; k++) value += (form.out[k] as number) * (o[k] as number);
  return value;
}
