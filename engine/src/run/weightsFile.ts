import { FatalError } from "@surety/protocol";
import { DTYPES, type Dtype } from "../program/instruction.ts";

export interface WeightData {
  readonly dtype: Dtype;
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** weights.bin: u32 count, then per tensor u8 dtype, u32 elements and its bytes; numbers big-endian, elements little-endian. */
export function encodeWeights(weights: readonly WeightData[]): Uint8Array {
  const total = weights.reduce((sum, { bytes }) => sum + 5 + bytes.length, 4);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  view.setUint32(0, weights.length);
  let at = 4;
  for (const { dtype, bytes } of weights) {
    view.setUint8(at, DTYPES[dtype].code);
    view.setUint32(at + 1, bytes.length / DTYPES[dtype].bytes);
    file.set(bytes, at + 5);
    at += 5 + bytes.length;
  }
  return file;
}

/**
 * The tensors of weights.bin, as aligned copies.
 * @throws FatalError BUNDLE_CHANGED
 */
export function decodeWeights(file: Uint8Array): WeightData[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const need = (end: number) => {
    if (end > file.length)
      throw new FatalError("BUNDLE_CHANGED", "weights.bin is cut short. Compile the model again.");
  };
  need(4);
  const weights: WeightData[] = [];
  let at = 4;
  for (let left = view.getUint32(0); left > 0; left--) {
    need(at + 5);
    const code = view.getUint8(at);
    const dtype = (Object.keys(DTYPES) as Dtype[]).find((name) => DTYPES[name].code === code);
    if (!dtype)
      throw new FatalError("BUNDLE_CHANGED", `weights.bin names the dtype ${code}. Compile the model again.`);
    const length = view.getUint32(at + 1) * DTYPES[dtype].bytes;
    need(at + 5 + length);
    weights.push({ dtype, bytes: new Uint8Array(file.subarray(at + 5, at + 5 + length)) });
    at += 5 + length;
  }
  if (at !== file.length)
    throw new FatalError("BUNDLE_CHANGED", "weights.bin has bytes left over. Compile the model again.");
  return weights;
}
