import type { Instruction, Opcode, Operation } from "../program/instruction.ts";
import { gatherBlock } from "./gather-block.ts";
import { loopNest } from "./loop-nest.ts";
import { floatFromBits, quantise } from "./scalar.ts";
import type { NumberTensor } from "./typed-tensor.ts";

/** The values of one operation for the elements of a block: f32 in a Float32Array, whose stores round, ints in an Int32Array, whose stores wrap. */
export type Values = Int32Array | Float32Array;

/** The operations that `blockStep` knows. */
export const BLOCK_OPERATIONS: ReadonlySet<Opcode> = new Set<Opcode>([
  ...(["acc", "load", "int", "float", "iadd", "isub", "imul", "imax", "imin"] as const),
  ...(["tofloat", "fadd", "fsub", "fmul", "fdiv", "quantise_u8", "quantise_i8"] as const),
]);

/** Computes one operation's values for `count` output elements from `element` on. */
export type BlockStep = (element: number, count: number) => void;

/**
 * One operation of an expression over blocks of elements. The same arithmetic as `evaluateExpression`.
 *
 * @param values One array per operation, in order; the step reads earlier ones and writes `values[number]`.
 * @param totals Accumulators of the whole output; null for `none`.
 * @param sources Whole operand tensors.
 */
export function blockStep(
  instruction: Instruction,
  { code, a, b, imm }: Operation,
  number: number,
  values: readonly Values[],
  totals: Int32Array | null,
  sources: readonly NumberTensor[],
): BlockStep {
  const z = values[number] as Values;
  const x = values[a] as Values;
  const y = values[b] as Values;
  switch (code) {
    case "acc":
      return (element, count) => z.set((totals as Int32Array).subarray(element, element + count));
    case "load": {
      const operand = instruction.operands[a] as Instruction["operands"][number];
      const source = sources[a] as NumberTensor;
      const nest = loopNest(instruction.outDims, [], [atOrigin(operand)]);
      return (element, count) => gatherBlock(z, source, nest, element, count);
    }
    case "int":
      z.fill(imm);
      return () => {};
    case "float":
      z.fill(floatFromBits(imm));
      return () => {};
    case "iadd":
    case "fadd":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) + (y[i] as number);
      };
    case "isub":
    case "fsub":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) - (y[i] as number);
      };
    case "imul":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = Math.imul(x[i] as number, y[i] as number);
      };
    case "imax":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = Math.max(x[i] as number, y[i] as number);
      };
    case "imin":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = Math.min(x[i] as number, y[i] as number);
      };
    case "tofloat":
      return (_, count) => z.set(x.subarray(0, count));
    case "fmul":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) * (y[i] as number);
      };
    case "fdiv":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) / (y[i] as number);
      };
    case "quantise_u8":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = quantise(x[i] as number, y[i] as number, 0, 255);
      };
    case "quantise_i8":
      return (_, count) => {
        for (let i = 0; i < count; i++) z[i] = quantise(x[i] as number, y[i] as number, -128, 127);
      };
    default:
      throw new Error(`${code} is evaluated element by element`);
  }
}

/** The operand with its reduction position fixed at 0, as `load` reads it. */
function atOrigin(operand: Instruction["operands"][number]): Instruction["operands"][number] {
  return {
    ...operand,
    map: { ...operand.map, reduce: [] },
    bounds: operand.bounds.map((bound) => ({ ...bound, reduce: [] })),
  };
}
