/** A small seeded generator (mulberry32), so that a failing case can be run again. */
export interface Random {
  readonly seed: number;
  /** An integer in [low, high]. */
  int(low: number, high: number): number;
  /** 32 random bits, unsigned. */
  bits(): number;
  bytes(length: number): Uint8Array;
  pick<Value>(values: readonly Value[]): Value;
  /** True with the given probability. */
  chance(probability: number): boolean;
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const bits = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return {
    seed,
    bits,
    int: (low, high) => low + Math.floor((bits() / 2 ** 32) * (high - low + 1)),
    bytes: (length) => Uint8Array.from({ length }, () => bits() >>> 24),
    pick: (values) => values[Math.floor((bits() / 2 ** 32) * values.length)] as never,
    chance: (probability) => bits() / 2 ** 32 < probability,
  };
}

/** `SURETY_FUZZ_SEED`, or a new one; print it with what it found. */
export function fuzzSeed(): number {
  const given = process.env.SURETY_FUZZ_SEED;
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
}

/** Cases to run: `count` times `SURETY_FUZZ_FACTOR` (default 1). */
export function fuzzCount(count: number): number {
  return Math.max(1, Math.round(count * Number(process.env.SURETY_FUZZ_FACTOR ?? 1)));
}
