import { assertNever } from "@surety/protocol";
import { larger as largerInt, smaller as smallerInt } from "../program/bigint-order.ts";
import type { Instruction } from "../program/instruction.ts";
import { malformed } from "../program/malformed.ts";
import type { Value } from "./element-reader.ts";
import {
  f32,
  floatFromBits,
  floatFromInt,
  larger,
  quantise,
  roundEven,
  smaller,
  truncate,
} from "./scalar.ts";

/** How an expression reaches the operands, at its output position and reduction position 0. */
export interface OperandAccess {
  /** The element; int 0 or +0.0 where it is out of bounds. */
  load(operand: number): Value;
  /** The element `shift` further on; int 0 or +0.0 where the bounds do not hold or there is no such element. */
  loadAt(operand: number, shift: bigint): Value;
  /** Whether the bounds hold. */
  inside(operand: number): boolean;
}

/**
 * The last value of the expression (docs/exact-profile.md, section 2). All ints are bigints, so that this is the page's arithmetic word for word;
 * whole tensors are `blockStep`'s.
 *
 * @param instruction Checked: kinds of values are trusted.
 * @param accumulator What `acc` gives.
 * @throws FatalError PROGRAM_MALFORMED when a zero point is out of range.
 */
export function evaluateExpression(
  instruction: Instruction,
  accumulator: Value,
  access: OperandAccess,
): Value {
  const values: Value[] = [];
  const int = (number: number) => values[number] as bigint;
  const float = (number: number) => values[number] as number;
  for (const { code, a, b, imm } of instruction.expression) {
    const value = ((): Value => {
      switch (code) {
        case "acc":
          return accumulator;
        case "load":
          return withoutNaN(access.load(a));
        case "int":
          return BigInt(imm);
        case "float":
          return floatFromBits(imm);
        case "inside":
          return condition(access.inside(a));
        case "loadat":
          return withoutNaN(access.loadAt(a, int(b)));
        case "iadd":
          return wrap32(int(a) + int(b));
        case "isub":
          return wrap32(int(a) - int(b));
        case "imul":
          return wrap32(int(a) * int(b));
        case "imax":
          return largerInt(int(a), int(b));
        case "imin":
          return smallerInt(int(a), int(b));
        case "idiv":
          return int(b) === 0n ? 0n : wrap64(int(a) / int(b));
        case "imod":
          return int(b) === 0n ? 0n : int(a) % int(b);
        case "ilt":
          return condition(int(a) < int(b));
        case "ieq":
          return condition(int(a) === int(b));
        case "ladd":
          return wrap64(int(a) + int(b));
        case "lsub":
          return wrap64(int(a) - int(b));
        case "lmul":
          return wrap64(int(a) * int(b));
        case "tofloat":
          return floatFromInt(int(a));
        case "fadd":
          return f32(float(a) + float(b));
        case "fsub":
          return f32(float(a) - float(b));
        case "fmul":
          return f32(float(a) * float(b));
        case "fdiv":
          return f32(float(a) / float(b));
        case "fsqrt":
          return f32(Math.sqrt(float(a)));
        case "ffloor":
          return Math.floor(float(a));
        case "fceil":
          return Math.ceil(float(a));
        case "fround":
          return roundEven(float(a));
        case "fmax":
          return larger(float(a), float(b));
        case "fmin":
          return smaller(float(a), float(b));
        case "flt":
          return condition(float(a) < float(b));
        case "feq":
          return condition(float(a) === float(b));
        case "fabs":
          return Math.abs(float(a));
        case "toint":
          return BigInt(truncate(float(a)));
        case "quantise_u8":
          return BigInt(quantise(float(a), zeroPoint(int(b), 0, 255), 0, 255));
        case "quantise_i8":
          return BigInt(quantise(float(a), zeroPoint(int(b), -128, 127), -128, 127));
        case "select":
          return values[int(a) === 0n ? imm : b] as Value;
        default:
          return assertNever(code);
      }
    })();
    values.push(value);
  }
  return values.at(-1) as Value;
}

export function wrap32(value: bigint): bigint {
  return BigInt.asIntN(32, value);
}

export function wrap64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** A loaded element: an f32 that is a NaN counts as +0. */
export function withoutNaN(element: Value): Value {
  return typeof element === "number" && Number.isNaN(element) ? 0 : element;
}

function condition(holds: boolean): bigint {
  return holds ? 1n : 0n;
}

function zeroPoint(zero: bigint, least: number, most: number): number {
  if (zero < least || zero > most) throw malformed(null, `zero point ${zero} is not in ${least}..${most}`);
  return Number(zero);
}
