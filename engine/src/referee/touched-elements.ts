import { FatalError } from "@surety/protocol";
import { ACCUMULATED_OPERANDS, type Instruction } from "../program/instruction.ts";
import type { ElementReader } from "./element-reader.ts";
import { evaluateElement } from "./evaluate-element.ts";
import { advance, flatIndexAt, OUT_OF_BOUNDS, unflatten } from "./position.ts";

/**
 * What the referee reads to recompute one element: per operand the flat indices, strictly increasing; empty for one that is all padding, or
 * that `inside` alone names. An index outside its tensor is left out, since the referee stops there.
 *
 * @param element Flat index into the output.
 * @param readers One per operand, in order; used only where a `loadat` makes the answer depend on the data.
 */
export function touchedElements(
  instruction: Instruction,
  element: number,
  readers: readonly ElementReader[],
): number[][] {
  const o = unflatten(element, instruction.outDims);
  const origin = instruction.reduceDims.map(() => 0);
  const accumulated = ACCUMULATED_OPERANDS[instruction.accumulate];
  const named = (wanted: "load" | "loadat") =>
    new Set(instruction.expression.flatMap(({ code, a }) => (code === wanted ? [a] : [])));
  const loaded = named("load");
  const touched = instruction.operands.map((operand, number) => {
    const flats = new Set<number>();
    const touch = (r: readonly number[]) => {
      const flat = flatIndexAt(operand, o, r);
      if (flat !== null && flat !== OUT_OF_BOUNDS) flats.add(flat);
    };
    if (loaded.has(number)) touch(origin);
    if (number < accumulated) {
      const r = [...origin];
      do touch(r);
      while (advance(r, instruction.reduceDims));
    }
    return flats;
  });
  if (named("loadat").size > 0) recordReads(instruction, element, readers, touched);
  return touched.map((flats) => [...flats].sort((x, y) => x - y));
}

/** Adds what an evaluation reads, up to where it turns out malformed. */
function recordReads(
  instruction: Instruction,
  element: number,
  readers: readonly ElementReader[],
  touched: readonly Set<number>[],
): void {
  const recording = readers.map(
    (read, number): ElementReader =>
      (flat) => {
        touched[number]?.add(flat);
        return read(flat);
      },
  );
  try {
    evaluateElement(instruction, element, recording);
  } catch (error) {
    if (!(error instanceof FatalError && error.code === "PROGRAM_MALFORMED")) throw error;
  }
}
