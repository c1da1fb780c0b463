import type { Random } from "../../../../contracts/test/support/random.ts";

export const RANGE = { u8: [0, 255], i8: [-128, 127] } as const;
export type ByteType = keyof typeof RANGE;

/** Bytes: anything, or the ends of the range, or one value throughout. */
export function byteValues(
  random: Random,
  type: ByteType,
  count: number,
  [low, high]: readonly [number, number] = RANGE[type],
) {
  const kind = random.int(0, 3);
  const one = random.pick([low, high]);
  return Array.from({ length: count }, () =>
    kind === 0 ? random.pick([low, high, random.int(low, high)]) : kind === 1 ? one : random.int(low, high),
  );
}

export const EDGE_INTS = [
  0,
  1,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 24 + 1,
  -(2 ** 24) - 1,
  2 ** 30,
  65_536,
  16_777_217,
];
export function intValues(random: Random, count: number) {
  const edges = random.chance(0.5);
  return Array.from({ length: count }, () =>
    edges && random.chance(0.6) ? random.pick(EDGE_INTS) : (random.bits() | 0) >> random.int(0, 24),
  );
}

export const EDGE_FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -2.5,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  16_777_216,
  1e-20,
  1e20,
];
export function floatValues(random: Random, count: number, scale = 1) {
  const kind = random.int(0, 2);
  return Array.from({ length: count }, () => {
    if (kind === 0 && random.chance(0.5)) return random.pick(EDGE_FLOATS);
    // Multiples of half a step: ties.
    if (random.chance(0.5)) return Math.fround((random.int(-600, 600) / 2) * scale);
    return Math.fround((random.int(-300_000, 300_000) / 1000) * scale);
  });
}

export function scaleValue(random: Random): number {
  return Math.fround(
    random.pick([
      1,
      0.5,
      0.0078125,
      1 / 255,
      0.1,
      3,
      1e-6,
      1e6,
      1e-30,
      1e30,
      random.int(1, 10_000) / 10_000,
      random.int(1, 10_000) / 3e6,
    ]),
  );
}

/** Scale of a product: tends to bring accumulators of this size into the output's range, with ties now and then. */
export function outputScale(random: Random, xs: number, ws: number, terms: number): number {
  const target = random.pick([xs * ws * terms * 20, xs * ws * terms, xs * ws * 2, xs * ws, 1]);
  const value = Math.fround(target);
  return Number.isFinite(value) && value > 2 ** -126 ? value : 1;
}

export function zeroPoint(random: Random, type: ByteType): number {
  return random.pick([0, RANGE[type][0], RANGE[type][1], random.int(...(RANGE[type] as [number, number]))]);
}
