import type { BlockStep } from "./block-step.ts";
import { doubleFromWords, type Values } from "./block-values.ts";
import type { RowWalk } from "./row-walk.ts";
import type { TypedTensor } from "./typed-tensor.ts";

/** `load`: the operand's elements; 0 where it is out of bounds, and for NaN. */
export function loadStep(z: Values, source: TypedTensor, walk: RowWalk): BlockStep {
  return (element, count) => {
    walk(element, count, (at, length, from, end, flat, step) => {
      if (from >= end) {
        fillZero(z, at, at + length);
        return;
      }
      fillZero(z, at, at + from);
      fillZero(z, at + end, at + length);
      copyRun(z, at + from, source, flat + from * step, step, end - from);
    });
    if (z instanceof Float32Array) dropNaN(z, count);
  };
}

/** `inside`: 1 where the bounds hold, else 0. */
export function insideStep(z: Int32Array, walk: RowWalk): BlockStep {
  return (element, count) => {
    z.fill(0, 0, count);
    walk(element, count, (at, _length, from, end) => {
      if (from < end) z.fill(1, at + from, at + end);
    });
  };
}

/** `loadat`: the operand's elements at its map plus `shifts`; 0 where the bounds do not hold or there is no such element, and for NaN. */
export function loadAtStep(
  z: Values,
  source: TypedTensor,
  shifts: Int32Array | BigInt64Array,
  walk: RowWalk,
): BlockStep {
  const shift = shifts instanceof Int32Array ? narrowShift(shifts) : wideShift(shifts);
  const target = z as Float32Array;
  const elements = source as Float32Array;
  return (element, count) => {
    fillZero(z, 0, count);
    walk(element, count, (at, _length, from, end, flat, step) => {
      for (let i = from; i < end; i++) {
        const index = shift(at + i, flat + i * step);
        if (index >= 0 && index < elements.length) target[at + i] = elements[index] as number;
      }
    });
    if (z instanceof Float32Array) dropNaN(z, count);
  };
}

/** `flat` plus shift number i; out of range for certain where it is out of range. */
type Shift = (i: number, flat: number) => number;

function narrowShift(shifts: Int32Array): Shift {
  return (i, flat) => flat + (shifts[i] as number);
}

/** Sums of two integers that doubles hold are right wherever they matter: one within a tensor is exact, and rounding keeps the order. */
function wideShift(shifts: BigInt64Array): Shift {
  const words = new Int32Array(shifts.buffer, shifts.byteOffset, 2 * shifts.length);
  return (i, flat) => {
    const shift = doubleFromWords(words[2 * i] as number, words[2 * i + 1] as number);
    if (Math.abs(shift) < 2 ** 53) return flat + shift;
    return Number(BigInt(flat) + (shifts[i] as bigint));
  };
}

/** Source and target hold the same kind: both bigints, or both numbers. */
function copyRun(
  target: Values,
  at: number,
  source: TypedTensor,
  from: number,
  step: number,
  length: number,
): void {
  const [to, elements] = [target as Float32Array, source as Float32Array];
  if (step === 0) {
    to.fill(elements[from] as number, at, at + length);
    return;
  }
  if (step === 1 && length >= 64) {
    to.set(elements.subarray(from, from + length), at);
    return;
  }
  for (let i = 0; i < length; i++) to[at + i] = elements[from + i * step] as number;
}

function fillZero(values: Values, from: number, end: number): void {
  if (values instanceof BigInt64Array) values.fill(0n, from, end);
  else values.fill(0, from, end);
}

function dropNaN(values: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) if (Number.isNaN(values[i])) values[i] = 0;
}
