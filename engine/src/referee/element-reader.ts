import { assertNever } from "@surety/protocol";
import type { Dtype } from "../program/instruction.ts";

/** The element at a flat index: an int, or an f32 as a double. */
export type ElementReader = (flatIndex: number) => number;

/** Reads single elements of a tensor from its bytes (little-endian, row-major, any alignment). */
export function tensorReader(bytes: Uint8Array, dtype: Dtype): ElementReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case "u8":
      return (flat) => view.getUint8(flat);
    case "i8":
      return (flat) => view.getInt8(flat);
    case "i32":
      return (flat) => view.getInt32(flat * 4, true);
    case "f32":
      return (flat) => view.getFloat32(flat * 4, true);
    default:
      return assertNever(dtype);
  }
}

/** The element as it stands in the tensor's bytes, as a little-endian number of the dtype's width. */
export function readStoredBits(bytes: Uint8Array, dtype: Dtype, flatIndex: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return dtype === "u8" || dtype === "i8" ? view.getUint8(flatIndex) : view.getUint32(flatIndex * 4, true);
}
