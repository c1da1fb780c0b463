import type { Random } from "./random.ts";

/** f32 bits of every class: zeros, smallest and largest of each, powers of two around the edges, ties, infinities, NaNs; of both signs. */
export const BOUNDARIES = [
  0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x007ffffe, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff,
  0x01000000, 0x0c000000, 0x33800000, 0x33800001, 0x337fffff, 0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff,
  0x3f800000, 0x3f800001, 0x3fc00000, 0x3fffffff, 0x40000000, 0x40200000, 0x40400000, 0x42fe0000, 0x42ff0000,
  0x437f0000, 0x437e8000, 0x437f8000, 0x43800000, 0x43ffffff, 0x44000000, 0x4affffff, 0x4b000000, 0x4b000001,
  0x4b7fffff, 0x4b800000, 0x4effffff, 0x4f000000, 0x7effffff, 0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000,
  0x7f800001, 0x7fc00000, 0x7fffffff,
].flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]);

const words = new DataView(new ArrayBuffer(4));

/** The f32 of a bit pattern. */
export function toFloat(bits: number): number {
  words.setUint32(0, bits);
  return words.getFloat32(0);
}

/** The bit pattern of an f32, one for all NaN. */
export function toBits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc00000;
  words.setFloat32(0, value);
  return words.getUint32(0);
}

/** f32 bits of any kind, edges preferred. */
export function randomBits(random: Random): number {
  switch (random.int(0, 5)) {
    case 0:
      return random.pick(BOUNDARIES);
    case 1: // near a boundary
      return (random.pick(BOUNDARIES) + random.int(-3, 3)) >>> 0;
    case 2: // few significant bits: ties
      return (random.bits() & 0xffff0000) >>> 0;
    case 3: // near 1, or denormal
      return random.chance(0.5)
        ? (0x3f800000 + random.int(-(2 ** 24), 2 ** 24)) >>> 0
        : random.int(0, 0x00ffffff);
    default:
      return random.bits();
  }
}
