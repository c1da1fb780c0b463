import { UsageError } from "@surety/protocol";
import {
  ELEMENT_TYPES,
  type ElementType,
  elementCount,
  type HostTensor,
  tensorFromBytes,
} from "../onnx/tensor.ts";

/** numpy's dtype strings, little-endian. */
const NPY_TYPES: Readonly<Record<string, ElementType>> = {
  "<f4": "f32",
  "<f8": "f64",
  "<f2": "f16",
  "|u1": "u8",
  "|i1": "i8",
  "|b1": "bool",
  "<u2": "u16",
  "<i2": "i16",
  "<u4": "u32",
  "<i4": "i32",
  "<u8": "u64",
  "<i8": "i64",
};

export function isNpy(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 6)).toString("latin1") === "\x93NUMPY";
}

/**
 * Reads numpy's .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3.
 * @throws UsageError INPUT_MALFORMED, INPUT_DTYPE
 */
export function readNpy(bytes: Uint8Array, what: string): HostTensor {
  const malformed = (why: string) =>
    new UsageError("INPUT_MALFORMED", `${what} is not a sound .npy file: ${why}.`);
  if (!isNpy(bytes) || bytes.length < 12) throw malformed("its first bytes are wrong");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirstVersion = bytes[6] === 1;
  const start = isFirstVersion ? 10 : 12;
  const length = isFirstVersion ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) throw malformed("its header is cut short");
  const header = Buffer.from(bytes.subarray(start, start + length)).toString("latin1");
  const dtype = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (dtype === undefined || shape === undefined) throw malformed("its header names no dtype or shape");
  if (/'fortran_order':\s*True/.test(header)) {
    throw new UsageError("INPUT_DTYPE", `${what} is in Fortran order; save numpy.ascontiguousarray(x).`);
  }
  const type = NPY_TYPES[dtype];
  if (!type) throw new UsageError("INPUT_DTYPE", `${what} has the dtype "${dtype}", which is not supported.`);
  const dims = shape
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map(Number);
  const expected = elementCount(dims, what) * ELEMENT_TYPES[type].array.BYTES_PER_ELEMENT;
  const body = bytes.subarray(start + length);
  if (body.length !== expected)
    throw malformed(`it declares ${expected} bytes of data and has ${body.length}`);
  return tensorFromBytes(type, dims, body);
}
