import { describe, expect, test } from "vitest";
import {
  checkAccumulator,
  correctBiases,
  quantiseActivation,
  quantiseBiases,
  quantiseWeights,
  roundTiesToEven,
} from "./quantisation.ts";

const seen = (min: number, max: number, counts: number[] = []) => ({
  type: "f32" as const,
  dims: [1],
  min,
  max,
  histogram: Float64Array.from(counts),
  channelMeans: new Float64Array(1),
  lastMeans: new Float64Array(1),
});

describe("quantisation", () => {
  test("rounds ties to even", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -0.51].map(roundTiesToEven)).toEqual([0, 2, 2, 0, -2, 0, -1]);
  });

  test("0 is exact, whatever the range", () => {
    expect(quantiseActivation(seen(0, 255), "x")).toEqual({ scale: 1, zero: 0 });
    expect(quantiseActivation(seen(-1, 1), "x").zero).toBe(127);
    expect(quantiseActivation(seen(3, 255), "x")).toEqual({ scale: 1, zero: 0 });
    expect(quantiseActivation(seen(-255, -3), "x")).toEqual({ scale: 1, zero: 255 });
    expect(quantiseActivation(seen(0, 0), "x")).toEqual({ scale: 1, zero: 0 });
  });

  test("a lone outlier is clipped, an even spread is not", () => {
    const even = quantiseActivation(seen(0, 255, new Array(100).fill(10)), "x");
    expect(even.scale).toBe(1);
    const lone = quantiseActivation(
      seen(0, 255, [...new Array(50).fill(1e6), ...new Array(49).fill(0), 1]),
      "x",
    );
    expect(lone.scale).toBeLessThan(1);
  });

  test("infinities and NaN are refused", () => {
    expect(() => quantiseActivation(seen(0, Number.POSITIVE_INFINITY), "x")).toThrow(/infinities/);
    expect(() => quantiseActivation(seen(Number.NaN, Number.NaN), "x")).toThrow(/infinities/);
  });

  test("weights stay within 7 bits, each channel with its own scale", () => {
    const weights = Float64Array.of(1, -1, 0.5, 100, 0, -25);
    const { values, scales } = quantiseWeights(weights, 2, new Float64Array(2), 1, 64, "w");
    expect(Math.max(...values)).toBeLessThanOrEqual(64);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-64);
    weights.forEach((weight, k) => {
      const scale = scales[k < 3 ? 0 : 1] as number;
      expect(Math.abs((values[k] as number) * scale - weight)).toBeLessThanOrEqual(scale);
    });
  });

  test("biases fit int32 even beside vanishing weights", () => {
    const biases = Float64Array.of(1e6, -1e6);
    const { scales } = quantiseWeights(new Float64Array(2), 2, biases, 1e-3, 64, "w");
    const bias = quantiseBiases(biases, scales, 1e-3);
    bias.forEach((value, channel) => {
      expect(value * 1e-3 * (scales[channel] as number)).toBeCloseTo(biases[channel] as number, 0);
    });
  });

  test("corrected biases keep the mean output", () => {
    const quantised = { values: Int8Array.of(3), scales: Float32Array.of(1) };
    expect(correctBiases(Float64Array.of(1), Float64Array.of(3.25), quantised, () => 2)).toEqual(
      Float64Array.of(1.5),
    );
  });

  test("sums that could leave int32 are refused", () => {
    const row = (length: number) => ({ values: new Int8Array(length).fill(-128), zero: 0 });
    expect(() => checkAccumulator(row(65_000), Int32Array.of(0), "x")).not.toThrow();
    expect(() => checkAccumulator(row(66_000), Int32Array.of(0), "x")).toThrow(
      expect.objectContaining({ code: "COMPILE_OVERFLOW" }),
    );
  });
});
