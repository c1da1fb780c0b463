import { gunzipSync } from "node:zlib";
import { UsageError } from "@surety/protocol";
import { ELEMENT_TYPES, type ElementType, elementCount, type HostTensor } from "../onnx/tensor.ts";

/** Element types of the idx format (http://yann.lecun.com/exdb/mnist/), big-endian in the file. */
const IDX_TYPES: Readonly<Record<number, ElementType>> = {
  8: "u8",
  9: "i8",
  11: "i16",
  12: "i32",
  13: "f32",
  14: "f64",
};

/** What a gzip file may unpack to. */
const MAX_UNPACKED_BYTES = 2 ** 31 - 1;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Two zero bytes, a type, a rank. */
export function isIdx(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0 && (bytes[2] as number) in IDX_TYPES && (bytes[3] as number) > 0;
}

/** @throws UsageError INPUT_MALFORMED */
export function gunzip(bytes: Uint8Array, what: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    throw new UsageError("INPUT_MALFORMED", `${what} is a damaged gzip file: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/**
 * Reads an unpacked idx file.
 * @throws UsageError INPUT_MALFORMED
 */
export function readIdx(bytes: Uint8Array, what: string): HostTensor {
  const type = IDX_TYPES[bytes[2] as number];
  const rank = bytes[3] ?? 0;
  if (!type || bytes.length < 4 + 4 * rank)
    throw new UsageError("INPUT_MALFORMED", `${what} is not an idx file.`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dims = Array.from({ length: rank }, (_, k) => header.getUint32(4 + 4 * k));
  const width = ELEMENT_TYPES[type].array.BYTES_PER_ELEMENT;
  const expected = elementCount(dims, what) * width;
  const body = new Uint8Array(bytes.subarray(4 + 4 * rank)); // a copy, aligned; Buffer.slice makes none
  if (body.length !== expected) {
    throw new UsageError(
      "INPUT_MALFORMED",
      `${what} declares ${expected} bytes of data and has ${body.length}.`,
    );
  }
  if (width > 1) {
    for (let at = 0; at < body.length; at += width) body.subarray(at, at + width).reverse();
  }
  return { type, dims, data: new ELEMENT_TYPES[type].array(body.buffer) as HostTensor["data"] };
}
