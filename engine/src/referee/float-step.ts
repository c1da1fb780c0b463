import { assertNever } from "@surety/protocol";
import type { Opcode } from "../program/instruction.ts";
import { larger, roundEven, smaller, truncate } from "./scalar.ts";

/** Computes the first `count` values of a block. */
export type Loop = (count: number) => void;

/** Operations whose arguments and results are f32. Loops see one type of array each, which keeps them fast. */
export type FloatOpcode = Extract<
  Opcode,
  "fadd" | "fsub" | "fmul" | "fdiv" | "fsqrt" | "ffloor" | "fceil" | "fround" | "fmax" | "fmin" | "fabs"
>;

/** z = code(x, y) over f32; the store into z rounds. Operations of one argument leave y alone. */
export function floatStep(code: FloatOpcode, z: Float32Array, x: Float32Array, y: Float32Array): Loop {
  switch (code) {
    case "fadd":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) + (y[i] as number);
      };
    case "fsub":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) - (y[i] as number);
      };
    case "fmul":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) * (y[i] as number);
      };
    case "fdiv":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) / (y[i] as number);
      };
    case "fmax":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = larger(x[i] as number, y[i] as number);
      };
    case "fmin":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = smaller(x[i] as number, y[i] as number);
      };
    case "fsqrt":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.sqrt(x[i] as number);
      };
    case "ffloor":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.floor(x[i] as number);
      };
    case "fceil":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.ceil(x[i] as number);
      };
    case "fround":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = roundEven(x[i] as number);
      };
    case "fabs":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = Math.abs(x[i] as number);
      };
    default:
      return assertNever(code);
  }
}

/** z = code(x, y), a condition or an int32 of f32. */
export function fromFloatStep(
  code: "flt" | "feq" | "toint",
  z: Int32Array,
  x: Float32Array,
  y: Float32Array,
): Loop {
  switch (code) {
    case "flt":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = (x[i] as number) < (y[i] as number) ? 1 : 0;
      };
    case "feq":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = x[i] === y[i] ? 1 : 0;
      };
    case "toint":
      return (count) => {
        for (let i = 0; i < count; i++) z[i] = truncate(x[i] as number);
      };
    default:
      return assertNever(code);
  }
}
