import type { Random } from "./random.ts";

/** Integers where int32, int64 and the 24 bits of an f32 end, with their neighbours, of both signs. */
export const INTEGERS = [
  ...new Set(
    [
      0n,
      1n,
      2n,
      3n,
      7n,
      127n,
      255n,
      46_341n,
      2n ** 24n,
      2n ** 25n,
      3n * 2n ** 24n,
      2n ** 31n,
      2n ** 32n,
      2n ** 40n,
    ]
      .concat([2n ** 53n, 2n ** 62n, 2n ** 63n - 2n ** 38n, 2n ** 63n - 2n ** 39n, 2n ** 63n])
      .flatMap((magnitude) => [magnitude - 1n, magnitude, magnitude + 1n])
      .flatMap((magnitude) => [magnitude, -magnitude])
      .filter((value) => value === BigInt.asIntN(64, value)),
  ),
];

/** An int64, edges preferred, of any number of bits. */
export function randomInteger(random: Random): bigint {
  if (random.chance(0.3)) return random.pick(INTEGERS);
  const bits = (BigInt(random.bits()) << 32n) | BigInt(random.bits());
  return BigInt.asIntN(64, bits) >> BigInt(random.int(0, 63));
}
