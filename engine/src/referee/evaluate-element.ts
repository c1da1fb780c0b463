import { assertNever } from "@surety/protocol";
import { kindOf } from "../program/expression-kinds.ts";
import type { Instruction, Operand } from "../program/instruction.ts";
import { malformed } from "../program/malformed.ts";
import type { ElementReader, Value } from "./element-reader.ts";
import { evaluateExpression, type OperandAccess, withoutNaN, wrap32, wrap64 } from "./evaluate-expression.ts";
import { advance, flatIndexAt, isInBounds, OUT_OF_BOUNDS, shiftedIndexAt, unflatten } from "./position.ts";
import { larger, smaller, storedBits } from "./scalar.ts";

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
): bigint {
  const o = unflatten(element, instruction.outDims);
  const accumulator = accumulateAt(instruction, o, readers);
  const origin = instruction.reduceDims.map(() => 0);
  const access: OperandAccess = {
    load: (number) =>
      elementAt(instruction, number, o, origin, readers) ?? zeroOf(operandOf(instruction, number)),
    loadAt: (number, shift) => {
      const operand = operandOf(instruction, number);
      const flat = shiftedIndexAt(operand, o, origin, shift);
      return flat === OUT_OF_BOUNDS ? zeroOf(operand) : readerOf(readers, number)(flat);
    },
    inside: (number) => isInBounds(operandOf(instruction, number), o, origin),
  };
  return storedBits(evaluateExpression(instruction, accumulator, access), instruction.outDtype);
}

/** The accumulator of section 3; 0 for `none`. */
function accumulateAt(
  instruction: Instruction,
  o: readonly number[],
  readers: readonly ElementReader[],
): Value {
  const { accumulate, reduceDims, operands } = instruction;
  if (accumulate === "none") return 0n;
  const aZero = BigInt(instruction.aZero);
  const bZero = BigInt(instruction.bZero);
  let total = 0n;
  let extremum: Value | null = null;
  const r = reduceDims.map(() => 0);
  do {
    const a = elementAt(instruction, 0, o, r, readers);
    switch (accumulate) {
      case "dot": {
        const b = elementAt(instruction, 1, o, r, readers);
        if (a !== null && b !== null) total += ((a as bigint) - aZero) * ((b as bigint) - bZero);
        break;
      }
      case "sum":
        if (a !== null) total += (a as bigint) - aZero;
        break;
      case "max":
      case "min":
        if (a !== null) extremum = extremumOf(accumulate, extremum, a);
        break;
      default:
        assertNever(accumulate);
    }
  } while (advance(r, reduceDims));
  if (accumulate === "dot" || accumulate === "sum")
    return accumulate === "sum" && operands[0]?.dtype === "i64" ? wrap64(total) : wrap32(total);
  if (extremum === null) throw malformed(null, `the ${accumulate} at output position ${o} is empty`);
  return extremum;
}

function extremumOf(accumulate: "max" | "min", before: Value | null, element: Value): Value {
  if (typeof element === "bigint") {
    const further = before === null || (accumulate === "max" ? element > before : element < before);
    return further ? element : (before as bigint);
  }
  const value = withoutNaN(element) as number;
  return (accumulate === "max" ? larger : smaller)((before ?? value) as number, value);
}

/** The operand's element at (o, r), or null where it is out of bounds. */
function elementAt(
  instruction: Instruction,
  number: number,
  o: readonly number[],
  r: readonly number[],
  readers: readonly ElementReader[],
): Value | null {
  const operand = operandOf(instruction, number);
  const flat = flatIndexAt(operand, o, r);
  if (flat === OUT_OF_BOUNDS) return null;
  if (flat === null)
    throw malformed(null, `operand ${number} leaves its ${operand.elements} elements at ${o}; ${r}`);
  return readerOf(readers, number)(flat);
}

function operandOf(instruction: Instruction, number: number): Operand {
  const operand = instruction.operands[number];
  if (operand === undefined) throw malformed(null, `operand ${number} is missing`);
  return operand;
}

function readerOf(readers: readonly ElementReader[], number: number): ElementReader {
  const read = readers[number];
  if (read === undefined) throw malformed(null, `operand ${number} is missing`);
  return read;
}

function zeroOf({ dtype }: Operand): Value {
  return kindOf(dtype) === "f32" ? 0 : 0n;
}
