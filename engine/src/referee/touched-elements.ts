import type { Instruction } from "../program/instruction.ts";
import { advance, flatIndexAt, OUT_OF_BOUNDS, unflatten } from "./position.ts";

/**
 * What the referee reads to recompute one element: per operand the flat indices, strictly increasing; empty for one that is all padding.
 * An index outside its tensor is left out, since the referee stops there.
 *
 * @param element Flat index into the output.
 */
export function touchedElements(instruction: Instruction, element: number): number[][] {
  const o = unflatten(element, instruction.outDims);
  const origin = instruction.reduceDims.map(() => 0);
  const accumulated = { none: 0, dot: 2, sum: 1, max: 1 }[instruction.accumulate];
  const loaded = new Set(instruction.expression.flatMap(({ code, a }) => (code === "load" ? [a] : [])));
  return instruction.operands.map((operand, number) => {
    const touched = new Set<number>();
    const touch = (r: readonly number[]) => {
      const flat = flatIndexAt(operand, o, r);
      if (flat !== null && flat !== OUT_OF_BOUNDS) touched.add(flat);
    };
    if (loaded.has(number)) touch(origin);
    if (number < accumulated) {
      const r = [...origin];
      do touch(r);
      while (advance(r, instruction.reduceDims));
    }
    return [...touched].sort((x, y) => x - y);
  });
}
