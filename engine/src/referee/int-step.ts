import { assertNever } from "@surety/protocol";
import type { Opcode } from "../program/instruction.ts";
import type { Values } from "./block-values.ts";
import type { Loop } from "./float-step.ts";
import { wideIntStep } from "./wide-int-step.ts";

/** Operations whose arguments and results are ints. */
export type IntOpcode = Extract<
  Opcode,
  "iadd" | "isub" | "imul" | "imax" | "imin" | "idiv" | "imod" | "ilt" | "ieq" | "ladd" | "lsub" | "lmul"
>;

/** z = code(x, y) over ints: in 32-bit arithmetic where all three are int32, which makes `ladd` an `iadd` as it is proven not to wrap. */
export function intStep(code: IntOpcode, z: Values, x: Values, y: Values): Loop {
  if (z instanceof Int32Array && x instanceof Int32Array && y instanceof Int32Array)
    return narrowIntStep(code, z, x, y);
  return wideIntStep(
    code,
    z as Int32Array | BigInt64Array,
    x as Int32Array | BigInt64Array,
    y as Int32Array | BigInt64Array,
  );
}

function narrowIntStep(code: IntOpcode, z: Int32Array, x: Int32Array, y: Int32Array): Loop {
  switch (code) {
    case "iadd":
    case "ladd":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) + (y[i] as number);
      };
    case "isub":
    case "lsub":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) - (y[i] as number);
      };
    case "imul":
    case "lmul":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.imul(x[i] as number, y[i] as number);
      };
    case "imax":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.max(x[i] as number, y[i] as number);
      };
    case "imin":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.min(x[i] as number, y[i] as number);
      };
    // A double's quotient of int32s truncates to the right one: it is at least 2^-31 away from the next integer. |0 makes 0 of x / 0.
    case "idiv":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = ((x[i] as number) / (y[i] as number)) | 0;
      };
    case "imod":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = ((x[i] as number) % (y[i] as number)) | 0;
      };
    case "ilt":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) < (y[i] as number) ? 1 : 0;
      };
    case "ieq":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = x[i] === y[i] ? 1 : 0;
      };
    default:
      return assertNever(code);
  }
}
