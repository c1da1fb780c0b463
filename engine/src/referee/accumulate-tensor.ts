import { FatalError } from "@surety/protocol";
import type { Instruction, Operand } from "../program/instruction.ts";
import { outputElements } from "../program/tensor-size.ts";
import { clipRun, type LoopNest, loopNest } from "./loop-nest.ts";
import { advance } from "./position.ts";
import type { NumberTensor } from "./typed-tensor.ts";

/** Zero-corrected integers. */
type Ints = Int16Array | Int32Array;

/** Accumulates `length` products, or maxima, from flat indices a and b with steps sa and sb on top of `total`. */
type Run = (
  total: number,
  x: Ints,
  a: number,
  sa: number,
  y: Ints,
  b: number,
  sb: number,
  length: number,
) => number;
/** The same over a table of offsets from a and b. */
type Scatter = (
  total: number,
  x: Ints,
  a: number,
  as: Int32Array,
  y: Ints,
  b: number,
  bs: Int32Array,
) => number;

/** Below this length of the innermost loop a table of all offsets is faster than loops. */
const SHORT_RUN = 16;
/** Longest table of offsets. */
const LONGEST_TABLE = 2 ** 16;
/** Most runs of one reduction: more would take hours. */
const MOST_RUNS = 2 ** 26;
const ONE = Int16Array.of(1);

/**
 * The accumulator of every output element, row-major (docs/exact-profile.md, section 3). `sum` is a `dot` with a constant 1.
 *
 * @param instruction Not `none`; its index maps have been proven (`checkIndexMaps`).
 * @param tensors The whole tensors of the operands that are accumulated.
 */
export function accumulateTensor(instruction: Instruction, tensors: readonly NumberTensor[]): Int32Array {
  const { accumulate, operands, aZero, bZero, outDims, reduceDims } = instruction;
  const first = operands[0] as Operand;
  const x = corrected(tensors[0] as NumberTensor, aZero);
  const totals = new Int32Array(outputElements(instruction));
  if (accumulate === "dot") {
    const y = corrected(tensors[1] as NumberTensor, bZero);
    const nest = loopNest(outDims, reduceDims, [first, operands[1] as Operand]);
    accumulateNest(totals, nest, x, y, 0, dotRun, dotScatter);
    return totals;
  }
  const constant: Operand = {
    ...first,
    elements: 1,
    bounds: [],
    map: { offset: 0, out: outDims.map(() => 0), reduce: reduceDims.map(() => 0) },
  };
  const nest = loopNest(outDims, reduceDims, [first, constant]);
  if (accumulate === "sum") accumulateNest(totals, nest, x, ONE, 0, dotRun, dotScatter);
  else accumulateNest(totals, nest, x, ONE, -(2 ** 31), maxRun, maxScatter);
  return totals;
}

/** The elements minus the zero point, mod 2^32. Two array types, so that the loops stay fast. */
function corrected(tensor: NumberTensor, zero: number): Ints {
  const narrow = (tensor instanceof Uint8Array || tensor instanceof Int8Array) && Math.abs(zero) < 2 ** 14;
  if (tensor instanceof Int32Array && zero === 0) return tensor;
  const ints = narrow ? new Int16Array(tensor.length) : new Int32Array(tensor.length);
  if (zero === 0) ints.set(tensor);
  else for (let i = 0; i < ints.length; i++) ints[i] = (tensor[i] as number) - zero;
  return ints;
}

const dotRun: Run = (total, x, a, sa, y, b, sb, length) => {
  if (sa === 1 && sb === 1) {
    const end = a + length;
    const shift = b - a;
    for (let i = a; i < end; i++) {
      total = (total + Math.imul(x[i] as number, y[i + shift] as number)) | 0;
    }
    return total;
  }
  for (let i = 0; i < length; i++) {
    total = (total + Math.imul(x[a] as number, y[b] as number)) | 0;
    a = (a + sa) | 0;
    b = (b + sb) | 0;
  }
  return total;
};

const dotScatter: Scatter = (total, x, a, as, y, b, bs) => {
  for (let i = 0; i < as.length; i++) {
    const product = Math.imul(
      x[(a + (as[i] as number)) | 0] as number,
      y[(b + (bs[i] as number)) | 0] as number,
    );
    total = (total + product) | 0;
  }
  return total;
};

const maxRun: Run = (total, x, a, sa, _y, _b, _sb, length) => {
  for (let i = 0; i < length; i++) {
    const value = x[a] as number;
    if (value > total) total = value;
    a = (a + sa) | 0;
  }
  return total;
};

const maxScatter: Scatter = (total, x, a, as) => {
  for (let i = 0; i < as.length; i++) {
    const value = x[(a + (as[i] as number)) | 0] as number;
    if (value > total) total = value;
  }
  return total;
};

/** One bound as the loops see it. */
interface LoopBound {
  readonly limit: number;
  readonly offset: number;
  readonly out: readonly number[];
  /** What the form gains at the start of each run. */
  readonly runs: Float64Array;
  /** What it gains per position within a run. */
  readonly step: number;
  /** Least and most it gains over the whole reduction. */
  readonly least: number;
  readonly most: number;
}

function accumulateNest(
  totals: Int32Array,
  nest: LoopNest,
  x: Ints,
  y: Ints,
  empty: number,
  run: Run,
  scatter: Scatter,
): void {
  const [a, b] = nest.operands as [LoopNest["operands"][0], LoopNest["operands"][0]];
  const outer = nest.reduceDims.slice(0, -1);
  const length = nest.reduceDims.at(-1) as number;
  const runs = outer.reduce((product, dim) => product * dim, 1);
  if (runs > MOST_RUNS) {
    throw new FatalError(
      "REDUCTION_TOO_LONG",
      `A reduction of ${nest.reduceDims.join(" x ")} takes ${runs} runs, at most ${MOST_RUNS} are evaluated. Split it.`,
    );
  }
  const sa = a.map.reduce.at(-1) as number;
  const sb = b.map.reduce.at(-1) as number;
  const aRuns = offsetsOver(outer, a.map.reduce);
  const bRuns = offsetsOver(outer, b.map.reduce);
  const bounds = [...a.bounds, ...b.bounds].map((bound): LoopBound => {
    const reaches = nest.reduceDims.map((dim, k) => (dim - 1) * (bound.reduce[k] as number));
    return {
      limit: bound.limit,
      offset: bound.offset,
      out: bound.out,
      runs: offsetsOver(outer, bound.reduce),
      step: bound.reduce.at(-1) as number,
      least: reaches.reduce((sum, reach) => sum + Math.min(0, reach), 0),
      most: reaches.reduce((sum, reach) => sum + Math.max(0, reach), 0),
    };
  });
  const tabled = length < SHORT_RUN && runs * length <= LONGEST_TABLE;
  const aTable = tabled ? Int32Array.from(offsetsOver(nest.reduceDims, a.map.reduce)) : null;
  const bTable = tabled ? Int32Array.from(offsetsOver(nest.reduceDims, b.map.reduce)) : null;

  const { outDims } = nest;
  const o = outDims.map(() => 0);
  const last = outDims.length - 1;
  const width = outDims[last] as number;
  const values = new Float64Array(bounds.length);
  let element = 0;
  do {
    let aBase = formBase(a.map.offset, a.map.out, o);
    let bBase = formBase(b.map.offset, b.map.out, o);
    for (const [j, bound] of bounds.entries()) values[j] = formBase(bound.offset, bound.out, o);
    for (let column = 0; column < width; column++) {
      let total = empty;
      if (!everywhereInBounds(bounds, values)) {
        for (let s = 0; s < runs; s++) {
          let from = 0;
          let end = length;
          for (let j = 0; j < bounds.length && from < end; j++) {
            const bound = bounds[j] as LoopBound;
            const [low, high] = clipRun(
              (values[j] as number) + (bound.runs[s] as number),
              bound.step,
              bound.limit,
              length,
            );
            from = Math.max(from, low);
            end = Math.min(end, high);
          }
          if (from >= end) continue;
          const aFrom = aBase + (aRuns[s] as number) + from * sa;
          const bFrom = bBase + (bRuns[s] as number) + from * sb;
          total = run(total, x, aFrom, sa, y, bFrom, sb, end - from);
        }
      } else if (aTable !== null && bTable !== null) {
        total = scatter(total, x, aBase, aTable, y, bBase, bTable);
      } else {
        for (let s = 0; s < runs; s++) {
          const aFrom = aBase + (aRuns[s] as number);
          const bFrom = bBase + (bRuns[s] as number);
          total = run(total, x, aFrom, sa, y, bFrom, sb, length);
        }
      }
      totals[element++] = total;
      aBase += a.map.out[last] as number;
      bBase += b.map.out[last] as number;
      for (let j = 0; j < bounds.length; j++) {
        values[j] = (values[j] as number) + ((bounds[j] as LoopBound).out[last] as number);
      }
    }
  } while (advanceRows(o, outDims));
}

function everywhereInBounds(bounds: readonly LoopBound[], values: Float64Array): boolean {
  for (let j = 0; j < bounds.length; j++) {
    const { least, most, limit } = bounds[j] as LoopBound;
    const value = values[j] as number;
    if (value + least < 0 || value + most >= limit) return false;
  }
  return true;
}

/** Steps to the next row, the last dimension staying at 0; false after the last row. */
function advanceRows(o: number[], dims: readonly number[]): boolean {
  const rows = o.slice(0, -1);
  const more = advance(rows, dims.slice(0, -1));
  for (let k = 0; k < rows.length; k++) o[k] = rows[k] as number;
  return more;
}

function formBase(offset: number, out: readonly number[], o: readonly number[]): number {
  let value = offset;
  for (let k = 0; k < out.length; k++) value += (out[k] as number) * (o[k] as number);
  return value;
}

/** What the coefficients add up to at every position of the dims, row-major. */
function offsetsOver(dims: readonly number[], coefficients: readonly number[]): Float64Array {
  let offsets = new Float64Array(1);
  for (const [k, dim] of dims.entries()) {
    const wider = new Float64Array(offsets.length * dim);
    let at = 0;
    for (const offset of offsets) {
      for (let i = 0; i < dim; i++) wider[at++] = offset + i * (coefficients[k] as number);
    }
    offsets = wider;
  }
  return offsets;
}
