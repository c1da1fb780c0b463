import type { Instruction, Operand } from "../program/instruction.ts";
import { clipRun, type LoopNest, loopNest } from "./loop-nest.ts";
import { advance, unflatten } from "./position.ts";

/**
 * A stretch of neighbouring output elements along the last merged dim: those at `at` to `at + length` - 1 of the block. The bounds hold for the ones
 * from `at + from` to before `at + end`, none if `from` is not below `end`.
 *
 * @param flat The map's index at `at`; each next element's is `step` further.
 */
export type RowVisitor = (
  at: number,
  length: number,
  from: number,
  end: number,
  flat: number,
  step: number,
) => void;

/** Visits the rows of an operand, at reduction position 0, for `count` output elements from `element` on. */
export type RowWalk = (element: number, count: number, visit: RowVisitor) => void;

/** How `load`, `loadat` and `inside` run over an operand. */
export function rowWalk({ outDims }: Instruction, operand: Operand): RowWalk {
  const nest = loopNest(outDims, [], [atOrigin(operand)]);
  return (element, count, visit) => walkRows(nest, element, count, visit);
}

/** The operand with its reduction position fixed at 0. */
function atOrigin(operand: Operand): Operand {
  return {
    ...operand,
    map: { ...operand.map, reduce: [] },
    bounds: operand.bounds.map((bound) => ({ ...bound, reduce: [] })),
  };
}

function walkRows(nest: LoopNest, element: number, count: number, visit: RowVisitor): void {
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
    visit(at, length, from, end, valueAt(map, o), step);
    at += length;
    o[last] = width - 1;
    advance(o, outDims);
  }
}

function valueAt(form: { offset: number; out: readonly number[] }, o: readonly number[]): number {
  let value = form.offset;
  for (let k = 0; k < form.out.length; k++) value += (form.out[k] as number) * (o[k] as number);
  return value;
}
