import { DTYPES, type Dtype } from "@surety/engine";

/** Copies of a tensor with one element changed, the most striking first: the largest and smallest value, then each bit flipped from the top. */
export function* disturbances(tensor: Uint8Array, dtype: Dtype, element: number): Generator<Uint8Array> {
  const width = DTYPES[dtype].bytes;
  const honest = tensor.slice(element * width, (element + 1) * width);
  for (const value of extremes(dtype, honest)) {
    if (Buffer.compare(value, honest) === 0) continue;
    const copy = tensor.slice();
    copy.set(value, element * width);
    yield copy;
  }
}

function* extremes(dtype: Dtype, honest: Uint8Array): Generator<Uint8Array> {
  if (dtype === "f32") {
    const value = new DataView(honest.buffer, honest.byteOffset).getFloat32(0, true);
    // Finite and far away: the profile's own programs never make a NaN.
    for (const other of [value + 1_000, value - 1_000, value * 2, 1e6, -1e6, 0]) yield float(other);
    return;
  }
  const bits = honest.length * 8;
  yield int(honest.length, dtype === "u8" ? 2 ** bits - 1 : 2 ** (bits - 1) - 1);
  yield int(honest.length, dtype === "u8" ? 0 : 2 ** (bits - 1));
  for (let bit = bits - 1; bit >= 0; bit--) {
    const flipped = honest.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}

/** The low bytes of an unsigned number, little-endian. */
function int(width: number, value: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
}

function float(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}
