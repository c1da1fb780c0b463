import { describe, expect, test } from "vitest";
import { areNeighboursHarmless, arrange, type Column } from "./pairing.ts";

const SEED = Number(process.env.SURETY_FUZZ_SEED ?? 7);

/** Numbers in [0, 1) from a seed (xorshift32). */
function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const of = (...columns: number[][]): Column[] => columns.map((column) => Int8Array.from(column));

describe("areNeighboursHarmless", () => {
  test("two weights of one sign may add up to 128 and no more, in places 0 and 1, 2 and 3 only", () => {
    expect(areNeighboursHarmless(of([127], [1]))).toBe(true);
    expect(areNeighboursHarmless(of([127], [2]))).toBe(false);
    expect(areNeighboursHarmless(of([-64], [-64]))).toBe(true);
    expect(areNeighboursHarmless(of([-128], [-1]))).toBe(false);
    expect(areNeighboursHarmless(of([127], [-128], [0], [0]))).toBe(true);
    expect(areNeighboursHarmless(of([0], [127], [127], [0]))).toBe(true);
    expect(areNeighboursHarmless(of([0], [0], [0], [0], [127]))).toBe(true);
    expect(areNeighboursHarmless(of([0, 127], [0, 1], [0, 100], [0, 100]))).toBe(false);
  });
});

describe("arrange", () => {
  test("puts large weights beside small ones and adds nothing where that can be done", () => {
    const { channels, columns } = arrange(of([127], [120], [0], [3], [100], [-100]));
    expect([...channels].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(areNeighboursHarmless(columns)).toBe(true);
  });

  test("shares weights out over a channel that comes twice where there is no other way", () => {
    const { channels, columns } = arrange(of([127], [127], [127]));
    expect(channels.length).toBeLessThanOrEqual(6);
    expect(areNeighboursHarmless(columns)).toBe(true);
  });

  test(`any weights: neighbours are harmless, and each channel's weights add up to what they were (seed ${SEED})`, () => {
    const random = randomNumbers(SEED);
    for (let round = 0; round < 60; round++) {
      const rows = 1 + Math.floor(random() * 40);
      const width = 4 + random() * 124;
      const columns = Array.from({ length: 1 + Math.floor(random() * 40) }, () =>
        Int8Array.from({ length: rows }, () => Math.round((2 * random() - 1) * width)),
      );
      const arranged = arrange(columns);
      expect(areNeighboursHarmless(arranged.columns)).toBe(true);
      expect(arranged.channels.length).toBeLessThanOrEqual(2 * columns.length);
      const sums = columns.map(() => new Int32Array(rows));
      for (const [at, channel] of arranged.channels.entries()) {
        for (const [row, weight] of (arranged.columns[at] as Column).entries()) {
          const sum = sums[channel] as Int32Array;
          sum[row] = (sum[row] as number) + weight;
        }
      }
      expect(sums.map((sum) => [...sum])).toEqual(columns.map((column) => [...column]));
    }
  });
});
