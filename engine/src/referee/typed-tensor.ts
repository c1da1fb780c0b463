import { assertNever, FatalError } from "@surety/protocol";
import { DTYPES, type Dtype } from "../program/instruction.ts";

export type TypedTensor = Uint8Array | Int8Array | Int32Array | BigInt64Array | Float32Array;

/** A tensor's bytes as numbers: a view where they are aligned, else a copy. Hosts are little-endian. */
export function typedTensor(bytes: Uint8Array, dtype: Dtype): TypedTensor {
  const width = DTYPES[dtype].bytes;
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset } = aligned;
  const elements = aligned.byteLength / width;
  switch (dtype) {
    case "u8":
      return new Uint8Array(buffer, byteOffset, elements);
    case "i8":
      return new Int8Array(buffer, byteOffset, elements);
    case "i32":
      return new Int32Array(buffer, byteOffset, elements);
    case "i64":
      return new BigInt64Array(buffer, byteOffset, elements);
    case "f32":
      return new Float32Array(buffer, byteOffset, elements);
    default:
      return assertNever(dtype);
  }
}

/** The operand's elements as numbers, its length checked against the program. */
export function operandTensor(bytes: Uint8Array | undefined, dtype: Dtype, elements: number): TypedTensor {
  const due = elements * DTYPES[dtype].bytes;
  if (bytes?.length !== due) {
    throw new FatalError(
      "TENSOR_WRONG_SIZE",
      `A tensor has ${bytes?.length ?? "no"} bytes where the program has ${due}. Give the tensors that the program names.`,
    );
  }
  return typedTensor(bytes, dtype);
}
