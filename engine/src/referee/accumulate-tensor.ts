import { FatalError } from "@surety/protocol";
import type { Instruction, Operand } from "../program/instruction.ts";
import { outputElements } from "../program/tensor-size.ts";
import type { Values } from "./block-values.ts";
import { clipRun, type LoopNest, loopNest } from "./loop-nest.ts";
import { advance } from "./position.ts";
import {
  DOT,
  FLOAT_MAX,
  FLOAT_MIN,
  MAX,
  MIN,
  type NarrowInts,
  type Reducer,
  SUM,
  wideExtremum,
  wideSum,
} from "./reducer.ts";
import type { TypedTensor } from "./typed-tensor.ts";

/** Below this length of the innermost loop a table of all offsets is faster than loops. */
const SHORT_RUN = 16;
/** Longest table of offsets. */
const LONGEST_TABLE = 2 ** 16;
/** Most runs of one reduction: more would take hours, and no step of a program that `validateProgram` accepts has as many. */
const MOST_RUNS = 2 ** 26;

/**
 * The accumulator of every output element, row-major (docs/exact-profile.md, section 3), in an array like the values of `acc`.
 *
 * @param instruction Not `none`; its index maps have been proven (`checkIndexMaps`).
 * @param tensors The whole tensors of the operands that are accumulated.
 */
export function accumulateTensor(instruction: Instruction, tensors: readonly TypedTensor[]): Values {
  const { accumulate, operands, aZero, bZero, outDims, reduceDims } = instruction;
  const count = outputElements(instruction);
  const [first, second] = operands as [Operand, Operand];
  const [a, b] = tensors as [TypedTensor, TypedTensor];
  if (accumulate === "dot") {
    const nest = loopNest(outDims, reduceDims, [first, second]);
    return accumulateNest(new Int32Array(count), nest, corrected(a, aZero), corrected(b, bZero), DOT);
  }
  const nest = loopNest(outDims, reduceDims, [first]);
  if (a instanceof BigInt64Array) {
    const reducer = accumulate === "sum" ? wideSum(BigInt(aZero)) : wideExtremum(accumulate as "max" | "min");
    return accumulateNest(new BigInt64Array(count), nest, a, a, reducer);
  }
  if (a instanceof Float32Array) {
    const reducer = accumulate === "max" ? FLOAT_MAX : FLOAT_MIN;
    const totals = accumulateNest(new Float32Array(count), nest, a, a, reducer);
    // Makes +0 of -0.
    for (let i = 0; i < count; i++) totals[i] = (totals[i] as number) + 0;
    return totals;
  }
  const x = corrected(a, aZero);
  const reducer = accumulate === "sum" ? SUM : accumulate === "max" ? MAX : MIN;
  return accumulateNest(new Int32Array(count), nest, x, x, reducer);
}

/** The elements minus the zero point, mod 2^32. Two array types, so that the loops stay fast. */
function corrected(tensor: TypedTensor, zero: number): NarrowInts {
  const ofBytes = tensor as Uint8Array | Int8Array | Int32Array;
  if (ofBytes instanceof Int32Array && zero === 0) return ofBytes;
  const narrow = !(ofBytes instanceof Int32Array) && Math.abs(zero) < 2 ** 14;
  const ints = narrow ? new Int16Array(tensor.length) : new Int32Array(tensor.length);
  if (zero === 0) ints.set(ofBytes);
  else for (let i = 0; i < ints.length; i++) ints[i] = (ofBytes[i] as number) - zero;
  return ints;
}

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

/** @param nest Of x's operand, and y's where there are two. */
function accumulateNest<Totals extends Values, Elements extends TypedTensor | NarrowInts, Total>(
  totals: Totals,
  nest: LoopNest,
  x: Elements,
  y: Elements,
  { empty, run, scatter }: Reducer<Elements, Total>,
): Totals {
  const a = nest.operands[0] as LoopNest["operands"][0];
  const b = nest.operands[1] ?? a;
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
  const bounds = nest.operands
    .flatMap((operand) => operand.bounds)
    .map((bound): LoopBound => {
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
      totals[element++] = total as Totals[number];
      aBase += a.map.out[last] as number;
      bBase += b.map.out[last] as number;
      for (let j = 0; j < bounds.length; j++) {
        values[j] = (values[j] as number) + ((bounds[j] as LoopBound).out[last] as number);
      }
    }
  } while (advanceRows(o, outDims));
  return totals;
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
