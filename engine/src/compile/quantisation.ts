import { FatalError } from "@surety/protocol";
import type { ElementType } from "../onnx/tensor.ts";

/** value = (q - zero) * scale; scale is a binary32 number. */
export interface Quantisation {
  readonly scale: number;
  readonly zero: number;
}

/** Rounds to the nearest integer, ties to even. */
export function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** What calibration saw of one value. */
export interface ValueStatistics {
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Least and largest element of a float value. */
  readonly min: number;
  readonly max: number;
  /** Counts in equal bins from min to max; empty if min = max. */
  readonly histogram: Float64Array;
  /** Means over all samples along dimension 1 (the channels of an image) and along the last dimension. */
  readonly channelMeans: Float64Array;
  readonly lastMeans: Float64Array;
}

function fromRange(low: number, high: number): Quantisation {
  const min = Math.min(0, low);
  const max = Math.max(0, high);
  const scale = Math.fround((max - min) / 255);
  if (!(scale > 1e-30)) return { scale: 1, zero: 0 };
  const zero = Math.min(255, Math.max(0, roundTiesToEven(-min / scale)));
  return { scale, zero };
}

/** Mean squared error of quantising the histogram's values. */
function squaredError(statistics: ValueStatistics, { scale, zero }: Quantisation): number {
  const { min, max, histogram } = statistics;
  const width = (max - min) / histogram.length;
  const low = -zero * scale;
  const high = (255 - zero) * scale;
  let error = 0;
  for (let bin = 0; bin < histogram.length; bin++) {
    const count = histogram[bin] as number;
    if (count === 0) continue;
    const value = min + (bin + 0.5) * width;
    const clipped = Math.min(high, Math.max(low, value));
    // Inside the range rounding costs scale^2/12 on average; outside the clipped distance counts in full.
    error += count * (clipped === value ? (scale * scale) / 12 : (value - clipped) ** 2);
  }
  return error;
}

/**
 * The u8 quantisation of an activation: 0 is exact; the range is the one, among shrunken versions of what calibration saw, with
 * the least squared error.
 *
 * @throws FatalError COMPILE_RANGE when calibration saw an infinity or a NaN
 */
export function quantiseActivation(statistics: ValueStatistics, what: string): Quantisation {
  const { min, max } = statistics;
  if (!Number.isFinite(min) || !Number.isFinite(max)) {
    throw new FatalError(
      "COMPILE_RANGE",
      `Calibration gave infinities or NaN for ${what}; check the model and the samples.`,
    );
  }
  let best = fromRange(min, max);
  if (statistics.histogram.length === 0) return best;
  let bestError = squaredError(statistics, best);
  for (let step = 1; step <= 12; step++) {
    const ratio = 1 - step * 0.04;
    const candidate = fromRange(Math.min(0, min) * ratio, Math.max(0, max) * ratio);
    const error = squaredError(statistics, candidate);
    if (error < bestError) {
      best = candidate;
      bestError = error;
    }
  }
  return best;
}

export interface QuantisedWeights {
  /** Row-major [channels, length]. */
  readonly values: Int8Array;
  /** Binary32, one per channel. */
  readonly scales: Float32Array;
}

/**
 * Symmetric quantisation of each row of a [channels, length] matrix, each with the scale of least squared error.
 *
 * @param limit the largest magnitude a weight may have; 64 keeps u8 x i8 kernels exact on every CPU (255 * 64 * 2 < 2^15)
 * @param biases keep every channel's scale large enough that bias / (inputScale * scale) stays in int32
 * @throws FatalError COMPILE_WEIGHTS for infinities and NaN
 */
export function quantiseWeights(
  weights: Float64Array,
  channels: number,
  biases: Float64Array,
  inputScale: number,
  limit: number,
  what: string,
): QuantisedWeights {
  const length = weights.length / channels;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const row = weights.subarray(channel * length, (channel + 1) * length);
    const bias = biases[channel] ?? 0;
    let largest = 0;
    for (const weight of row) largest = Math.max(largest, Math.abs(weight));
    if (!Number.isFinite(largest) || row.some(Number.isNaN) || !Number.isFinite(bias)) {
      throw new FatalError("COMPILE_WEIGHTS", `The weights of ${what} hold infinities or NaN.`);
    }
    const floor = Math.max(Math.abs(bias) / inputScale / 2 ** 29, 1e-30);
    const full = Math.max(largest / limit, floor);
    let best = full;
    let bestError = Number.POSITIVE_INFINITY;
    for (let step = 0; step <= 10; step++) {
      const scale = Math.max(Math.fround(full * (1 - step * 0.03)), Math.fround(floor));
      let error = 0;
      for (const weight of row) error += (weight - quantiseWeight(weight, scale, limit) * scale) ** 2;
      if (error < bestError) {
        best = scale;
        bestError = error;
      }
    }
    scales[channel] = best;
    for (let k = 0; k < length; k++)
      values[channel * length + k] = quantiseWeight(row[k] as number, scales[channel] as number, limit);
  }
  return { values, scales };
}

function quantiseWeight(weight: number, scale: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, roundTiesToEven(weight / scale)));
}

/**
 * Biases that make up for what rounding the weights does to the mean output: bias + sum of (weight - rounded weight) * mean input
 * ("bias correction", Nagel et al., Data-Free Quantization, 2019).
 *
 * @param meanInput the mean of what weight k of a channel multiplies
 */
export function correctBiases(
  biases: Float64Array,
  weights: Float64Array,
  { values, scales }: QuantisedWeights,
  meanInput: (channel: number, k: number) => number,
): Float64Array {
  const length = weights.length / biases.length;
  return biases.map((bias, channel) => {
    let error = 0;
    for (let k = 0; k < length; k++) {
      const at = channel * length + k;
      const rounded = (values[at] as number) * (scales[channel] as number);
      error += ((weights[at] as number) - rounded) * meanInput(channel, k);
    }
    return bias + error;
  });
}

/** Biases in units of inputScale * scales[channel]. */
export function quantiseBiases(biases: Float64Array, scales: Float32Array, inputScale: number): Int32Array {
  return Int32Array.from(biases, (bias, channel) =>
    roundTiesToEven(bias / (inputScale * (scales[channel] as number))),
  );
}

/**
 * Checks the sums of (value - zero) * (input - its zero) + bias, the inputs being u8.
 * @param weights row-major, one row per bias
 * @throws FatalError COMPILE_OVERFLOW when a sum could leave int32
 */
export function checkAccumulator(
  { values, zero }: { readonly values: Int8Array | Uint8Array; readonly zero: number },
  biases: Int32Array,
  what: string,
): void {
  const length = values.length / biases.length;
  for (const [channel, bias] of biases.entries()) {
    let most = Math.abs(bias);
    for (let k = 0; k < length; k++) most += 255 * Math.abs((values[channel * length + k] as number) - zero);
    if (most >= 2 ** 31)
      throw new FatalError("COMPILE_OVERFLOW", `${what} sums ${length} products, which could leave int32.`);
  }
}
