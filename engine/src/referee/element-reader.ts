import { assertNever } from "@surety/protocol";
import { DTYPES, type Dtype } from "../program/instruction.ts";

/** A value of an expression: an int within int64 as a bigint, an f32 as a double that holds it. */
export type Value = bigint | number;

/** The element at a flat index: an int as a bigint, an f32 as a double. */
export type ElementReader = (flatIndex: number) => Value;

/** Reads single elements of a tensor from its bytes (little-endian, row-major, any alignment). */
export function tensorReader(bytes: Uint8Array, dtype: Dtype): ElementReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case "u8":
      return (flat) => BigInt(view.getUint8(flat));
    case "i8":
      return (flat) => BigInt(view.getInt8(flat));
    case "i32":
      return (flat) => BigInt(view.getInt32(flat * 4, true));
    case "i64":
      return (flat) => view.getBigInt64(flat * 8, true);
    case "f32":
      return (flat) => view.getFloat32(flat * 4, true);
    default:
      return assertNever(dtype);
  }
}

/** The element as it stands in the tensor's bytes, as a little-endian number of the dtype's width. */
export function readStoredBits(bytes: Uint8Array, dtype: Dtype, flatIndex: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (DTYPES[dtype].bytes) {
    case 1:
      return BigInt(view.getUint8(flatIndex));
    case 4:
      return BigInt(view.getUint32(flatIndex * 4, true));
    case 8:
      return view.getBigUint64(flatIndex * 8, true);
  }
}
