import { assertNever } from "@surety/protocol";
import type { Instruction } from "../program/instruction.ts";
import { malformed } from "../program/malformed.ts";
import { f32, floatFromBits, quantise } from "./scalar.ts";

/**
 * The last value of the expression (docs/exact-profile.md, section 2): an int within int32, or an f32 as a double.
 *
 * @param accumulator What `acc` gives.
 * @param load The operand's element at reduction position 0; 0 where it is out of bounds.
 * @throws FatalError PROGRAM_MALFORMED when a zero point is out of range.
 */
export function evaluateExpression(
  instruction: Instruction,
  accumulator: number,
  load: (operand: number) => number,
): number {
  const values: number[] = [];
  for (const { code, a, b, imm } of instruction.expression) {
    const x = values[a] ?? 0;
    const y = values[b] ?? 0;
    const value = (() => {
      switch (code) {
        case "acc":
          return accumulator;
        case "load": {
          const element = load(a);
          return Number.isNaN(element) ? 0 : element;
        }
        case "int":
          return imm;
        case "float":
          return floatFromBits(imm);
        case "iadd":
          return (x + y) | 0;
        case "isub":
          return (x - y) | 0;
        case "imul":
          return Math.imul(x, y);
        case "imax":
          return Math.max(x, y);
        case "imin":
          return Math.min(x, y);
        case "tofloat":
          return f32(x);
        case "fadd":
          return f32(x + y);
        case "fsub":
          return f32(x - y);
        case "fmul":
          return f32(x * y);
        case "fdiv":
          return f32(x / y);
        case "quantise_u8":
          return quantise(x, checkedZero(y, 0, 255), 0, 255);
        case "quantise_i8":
          return quantise(x, checkedZero(y, -128, 127), -128, 127);
        default:
          return assertNever(code);
      }
    })();
    values.push(value);
  }
  return values.at(-1) ?? 0;
}

function checkedZero(zero: number, least: number, most: number): number {
  if (zero < least || zero > most) throw malformed(null, `zero point ${zero} is not in ${least}..${most}`);
  return zero;
}
