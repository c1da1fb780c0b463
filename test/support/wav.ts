/** Samples of a 16-bit PCM WAV file with one channel, in [-1, 1). */
export function readWav(file: Uint8Array): Float32Array {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    if (bytes.toString("latin1", at, at + 4) === "data") {
      const end = Math.min(bytes.length, at + 8 + length);
      return Float32Array.from(
        { length: (end - at - 8) >> 1 },
        (_, k) => bytes.readInt16LE(at + 8 + 2 * k) / 32768,
      );
    }
    at += 8 + length + (length & 1);
  }
  throw new Error("This WAV file has no data.");
}
