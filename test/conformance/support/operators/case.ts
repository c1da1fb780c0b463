import type { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import { ELEMENT_TYPES, type ElementType, type HostTensor } from "../../../../engine/src/onnx/tensor.ts";
import type { Dtype, Instruction, Opcode, Operand } from "../../../../engine/src/program/instruction.ts";
import type { ByteType } from "./values.ts";

/**
 * One ONNX operator (or chain) with random contents, and by hand the instruction that the profile says it is: not the compiler's, so that
 * a mistake there cannot hide here.
 */
export interface OperatorCase {
  readonly what: string;
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly instruction: Instruction;
  /** Bytes of each operand. */
  readonly tensors: readonly Uint8Array[];
  /** From onnxruntime's element number to the instruction's. */
  readonly place?: (element: number) => number;
}

/** A case whose instruction reads the feeds as they are, in their order. */
export function caseOf(
  what: string,
  model: ModelBuilder,
  feeds: OperatorCase["feeds"],
  instruction: Instruction,
): OperatorCase {
  return { what, model: model.encode(), feeds, instruction, tensors: Object.values(feeds).map(bytesOf) };
}

export const OPSET = 13;
export type Types = Exclude<ElementType & Dtype, "i64">;

export function host(type: Types, dims: readonly number[], values: ArrayLike<number>): HostTensor {
  return { type, dims, data: ELEMENT_TYPES[type].array.from(values as never) as HostTensor["data"] };
}
export const scalar = (type: Types, value: number) => host(type, [], [value]);

export function bytesOf({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export type Op = readonly [code: Opcode, a?: number, b?: number, imm?: number];

export function expressionOf(operations: readonly Op[]): Instruction["expression"] {
  return operations.map(([code, a = 0, b = 0, imm = 0]) => ({ code, a, b, imm }));
}

export const word = new DataView(new ArrayBuffer(4));
/** The immediate of a `float`. */
export function floatImm(value: number): number {
  word.setFloat32(0, value);
  return word.getInt32(0);
}

export interface Place {
  readonly out: readonly number[];
  readonly reduce?: readonly number[];
  readonly offset?: number;
  readonly bounds?: Operand["bounds"];
}

export function operand(
  dtype: Dtype,
  elements: number,
  index: number,
  { out, reduce = [], offset = 0, bounds = [] }: Place,
): Operand {
  return { space: "input", dtype, index, elements, map: { offset, out, reduce }, bounds };
}

/** An instruction without reduction, over flat tensors. */
export function elementwise(
  outDtype: Dtype,
  count: number,
  operands: readonly Dtype[],
  expression: readonly Op[],
): Instruction {
  return {
    accumulate: "none",
    outDtype,
    outDims: [count],
    reduceDims: [],
    aZero: 0,
    bZero: 0,
    operands: operands.map((dtype, i) => operand(dtype, count, i, { out: [1] })),
    expression: expressionOf(expression),
  };
}

export const quantiseTo = (type: ByteType): Opcode => (type === "u8" ? "quantise_u8" : "quantise_i8");
