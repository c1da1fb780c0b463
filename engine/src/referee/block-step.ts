import { assertNever } from "@surety/protocol";
import type { Instruction, Operand, Operation } from "../program/instruction.ts";
import { doubleFromWords, type Values, wordsOf } from "./block-values.ts";
import { floatStep, fromFloatStep, type Loop } from "./float-step.ts";
import { intStep } from "./int-step.ts";
import { insideStep, loadAtStep, loadStep } from "./operand-step.ts";
import { rowWalk } from "./row-walk.ts";
import { floatFromBits, floatFromInt, quantise } from "./scalar.ts";
import type { TypedTensor } from "./typed-tensor.ts";

/** Computes one operation's values for `count` output elements from `element` on. */
export type BlockStep = (element: number, count: number) => void;

/**
 * One operation of an expression over blocks of elements. The same arithmetic as `evaluateExpression`.
 *
 * @param values One array per operation, in order (`blockValues`); the step reads earlier ones and writes `values[number]`.
 * @param totals Accumulators of the whole output, in an array like `acc`'s values; null for `none`.
 * @param sources Whole operand tensors.
 */
export function blockStep(
  instruction: Instruction,
  { code, a, b, imm }: Operation,
  number: number,
  values: readonly Values[],
  totals: Values | null,
  sources: readonly TypedTensor[],
): BlockStep {
  const z = values[number] as Values;
  const x = values[a] as Values;
  const y = values[b] as Values;
  const walk = () => rowWalk(instruction, instruction.operands[a] as Operand);
  const source = sources[a] as TypedTensor;
  switch (code) {
    case "acc":
      return (element, count) =>
        (z as Int32Array).set((totals as Int32Array).subarray(element, element + count));
    case "load":
      return loadStep(z, source, walk());
    case "inside":
      return insideStep(z as Int32Array, walk());
    case "loadat":
      return loadAtStep(z, source, y as Int32Array | BigInt64Array, walk());
    case "int":
      (z as Int32Array).fill(imm);
      return () => {};
    case "float":
      (z as Float32Array).fill(floatFromBits(imm));
      return () => {};
    case "iadd":
    case "isub":
    case "imul":
    case "imax":
    case "imin":
    case "idiv":
    case "imod":
    case "ilt":
    case "ieq":
    case "ladd":
    case "lsub":
    case "lmul":
      return everyBlock(intStep(code, z, x, y));
    case "tofloat":
      return everyBlock(toFloatLoop(z as Float32Array, x as Int32Array | BigInt64Array));
    case "fadd":
    case "fsub":
    case "fmul":
    case "fdiv":
    case "fsqrt":
    case "ffloor":
    case "fceil":
    case "fround":
    case "fmax":
    case "fmin":
    case "fabs":
      return everyBlock(floatStep(code, z as Float32Array, x as Float32Array, y as Float32Array));
    case "flt":
    case "feq":
    case "toint":
      return everyBlock(fromFloatStep(code, z as Int32Array, x as Float32Array, y as Float32Array));
    case "quantise_u8":
      return everyBlock(quantiseLoop(z as Int32Array, x as Float32Array, y as Int32Array, 0, 255));
    case "quantise_i8":
      return everyBlock(quantiseLoop(z as Int32Array, x as Float32Array, y as Int32Array, -128, 127));
    case "select":
      return everyBlock(selectLoop(z, x as Int32Array | BigInt64Array, y, values[imm] as Values));
    default:
      return assertNever(code);
  }
}

function everyBlock(loop: Loop): BlockStep {
  return (_, count) => loop(count);
}

function toFloatLoop(z: Float32Array, x: Int32Array | BigInt64Array): Loop {
  if (x instanceof Int32Array) return (count) => z.set(x.subarray(0, count));
  const { words } = wordsOf(x);
  return (count) => {
    for (let i = 0; i < count; i++) {
      const value = doubleFromWords(words[2 * i] as number, words[2 * i + 1] as number);
      z[i] = Math.abs(value) < 2 ** 53 ? value : floatFromInt(x[i] as bigint);
    }
  };
}

/** The zero points are proven to lie in [least, most] (`checkValueRanges`). */
function quantiseLoop(z: Int32Array, x: Float32Array, y: Int32Array, least: number, most: number): Loop {
  return (count) => {
    for (let i = 0; i < count; i++) z[i] = quantise(x[i] as number, y[i] as number, least, most);
  };
}

function selectLoop(z: Values, condition: Int32Array | BigInt64Array, yes: Values, no: Values): Loop {
  const holds = truthOf(condition);
  if (z instanceof BigInt64Array) {
    const [result, left, right] = [z, yes, no].map((values) => wordsOf(values as BigInt64Array)) as [
      ReturnType<typeof wordsOf>,
      ReturnType<typeof wordsOf>,
      ReturnType<typeof wordsOf>,
    ];
    return (count) => {
      left.load(count);
      right.load(count);
      for (let i = 0; i < count; i++) {
        const { words } = holds(i) ? left : right;
        result.words[2 * i] = words[2 * i] as number;
        result.words[2 * i + 1] = words[2 * i + 1] as number;
      }
    };
  }
  const [p, q] = [yes as Float32Array, no as Float32Array];
  return (count) => {
    for (let i = 0; i < count; i++) z[i] = (holds(i) ? p[i] : q[i]) as number;
  };
}

function truthOf(condition: Int32Array | BigInt64Array): (i: number) => boolean {
  if (condition instanceof Int32Array) return (i) => condition[i] !== 0;
  const { words } = wordsOf(condition);
  return (i) => words[2 * i] !== 0 || words[2 * i + 1] !== 0;
}
