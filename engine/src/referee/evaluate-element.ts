import { assertNever } from "@surety/protocol";
import type { Instruction } from "../program/instruction.ts";
import { malformed } from "../program/malformed.ts";
import type { ElementReader } from "./element-reader.ts";
import { evaluateExpression } from "./evaluate-expression.ts";
import { advance, flatIndexAt, OUT_OF_BOUNDS, unflatten } from "./position.ts";
import { storedBits } from "./scalar.ts";

/**
 * One element of an instruction's output by the letter of docs/exact-profile.md: the reference that everything else is fuzzed against.
 *
 * @param instruction Checked by `decodeInstruction` or `checkInstruction`.
 * @param element Flat index into the output.
 * @param readers One per operand, in order.
 * @returns The stored bits: the element's bytes as a little-endian number of the dtype's width (no sign extension).
 * @throws FatalError PROGRAM_MALFORMED where the referee's verdict is Malformed.
 */
export function evaluateElement(
  instruction: Instruction,
  element: number,
  readers: readonly ElementReader[],
): number {
  const o = unflatten(element, instruction.outDims);
  const accumulator = accumulateAt(instruction, o, readers);
  const origin = instruction.reduceDims.map(() => 0);
  const value = evaluateExpression(
    instruction,
    accumulator,
    (operand) => elementAt(instruction, operand, o, origin, readers) ?? 0,
  );
  return storedBits(value, instruction.outDtype);
}

/** The accumulator of section 3, an int; 0 for `none`. */
function accumulateAt(
  instruction: Instruction,
  o: readonly number[],
  readers: readonly ElementReader[],
): number {
  const { accumulate, aZero, bZero, reduceDims } = instruction;
  if (accumulate === "none") return 0;
  let total = 0;
  let largest: number | null = null;
  const r = reduceDims.map(() => 0);
  do {
    const a = elementAt(instruction, 0, o, r, readers);
    switch (accumulate) {
      case "dot": {
        const b = elementAt(instruction, 1, o, r, readers);
        if (a !== null && b !== null) total = (total + Math.imul(a - aZero, b - bZero)) | 0;
        break;
      }
      case "sum":
        if (a !== null) total = (total + (a - aZero)) | 0;
        break;
      case "max":
        if (a !== null && (largest === null || a > largest)) largest = a;
        break;
      default:
        assertNever(accumulate);
    }
  } while (advance(r, reduceDims));
  if (accumulate !== "max") return total;
  if (largest === null) throw malformed(null, `the maximum at output position ${o} is empty`);
  return largest;
}

/** The operand's element at (o, r), or null where it is out of bounds. */
function elementAt(
  instruction: Instruction,
  number: number,
  o: readonly number[],
  r: readonly number[],
  readers: readonly ElementReader[],
): number | null {
  const operand = instruction.operands[number];
  const read = readers[number];
  if (operand === undefined || read === undefined) throw malformed(null, `operand ${number} is missing`);
  const flat = flatIndexAt(operand, o, r);
  if (flat === OUT_OF_BOUNDS) return null;
  if (flat === null)
    throw malformed(null, `operand ${number} leaves its ${operand.elements} elements at ${o}; ${r}`);
  return read(flat);
}
