import { FatalError } from "@surety/protocol";
import { roundTiesToEven } from "../quantisation.ts";
import type { IntegerWeights } from "../weights.ts";
import { F32_EXACT } from "./rung.ts";
import type { WideRange } from "./wideActivation.ts";
import { binaryScale, mostIntegers, THREE_PLANES, wideScale } from "./wideActivation.ts";

/** Between the numbers of integers that are tried: what is not needed of a power of two is then at most a fifth. */
const FINER = 2 ** 0.25;

/** Largest magnitude of a weight in two i8 planes, high * 256 + low. */
const TWO_PLANES = 127 * 256;

/** A linear layer's constants as integers: y = (sum of weight * activation + bias) * scale, per channel. */
export interface WideLayer {
  /** The magnitude that activations may reach. */
  readonly most: number;
  /** What a step of the activations is worth. */
  readonly step: number;
  /** Row-major [channels, length]. */
  readonly weights: Int32Array;
  readonly biases: Int32Array;
  /** Binary32, activation scale included. */
  readonly scales: Float32Array;
  /** The largest magnitude any sum that the exact graph makes at once, bias included, can have. */
  readonly bound: number;
  /** The weights as 8-bit tensors, the value that stands for 0 in them, and what one step of each is worth. */
  readonly planes: readonly (Pick<IntegerWeights, "values" | "zero"> & { readonly weight: number })[];
  /** Where the exact graph sums plane by plane: the bias of each, in its own steps. */
  readonly planeBiases?: readonly Int32Array[];
}

/** What a layer multiplies by and adds, in real numbers. */
export interface RealLayer {
  /** Row-major [channels, length]. */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
  /** The mean of what weight k of a channel multiplies. */
  readonly meanInput: (channel: number, k: number) => number;
  readonly what: string;
}

/**
 * The integers of a layer on rung 2: of all ways to share the 24 bits of f32 between weights and activations, the one with the least expected error. Each
 * channel's weights are as fine as its own sum allows, with a scale that makes one step of the sum a power of two: f32 then sums the real numbers themselves.
 *
 * Rounding noise: steps of size d give d^2 / 12. Of the activations it is multiplied by the weights' squares, of the weights by the activations'.
 *
 * @param meanSquare of the activation
 * @param scaleOf the scale of so many integers
 * @returns undefined where no sharing keeps the sums below 2^24
 * @throws FatalError COMPILE_WEIGHTS
 */
export function balancedLayer(
  layer: RealLayer,
  range: WideRange,
  meanSquare: number,
  scaleOf: typeof wideScale = wideScale,
): WideLayer | undefined {
  const rows = rowsOf(layer);
  const length = layer.weights.length / layer.biases.length;
  const finest = mostIntegers(range);
  let best: { most: number; error: number } | undefined;
  for (let most = finest; most >= Math.min(64, finest); most = range.fixed ? 0 : Math.floor(most / FINER)) {
    const step = scaleOf(range, most);
    let error = 0;
    for (const row of rows) {
      const scale = 2 ** leastExponent(row, step, most, length) / step;
      error += step ** 2 * row.squares + scale ** 2 * length * meanSquare;
    }
    if (error < (best?.error ?? Number.POSITIVE_INFINITY)) best = { most, error };
  }
  if (!best) return undefined;
  const { most } = best;
  const step = scaleOf(range, most);
  return integersOf(layer, { most, step }, (row, rounded) => {
    for (let exponent = leastExponent(row, step, most, length); ; exponent++)
      if (rounded(2 ** exponent / step).bound < F32_EXACT) return 2 ** exponent / step;
  });
}

/**
 * The integers of a convolution on rung 3: as on rung 2, with weights in two planes that are summed one after the other. f32 holds each sum, and the two
 * added up are rounded once.
 *
 * @returns undefined where no sharing keeps the sums below 2^24
 * @throws FatalError COMPILE_WEIGHTS
 */
export function twiceBalancedLayer(
  layer: RealLayer,
  range: WideRange,
  meanSquare: number,
): WideLayer | undefined {
  const rows = rowsOf(layer);
  const length = layer.weights.length / layer.biases.length;
  const finest = mostIntegers(range);
  let best: { most: number; bits: number; error: number } | undefined;
  for (let bits = 2; bits <= 7; bits++) {
    // Of a low plane no value is over half of its 2^bits, nor its bias.
    const most = Math.min(finest, Math.floor((F32_EXACT - 1) / 2 ** (bits - 1) - 1) / length);
    if (most < (range.fixed ? finest : 64)) continue;
    for (let each = Math.floor(most); each >= 64; each = range.fixed ? 0 : Math.floor(each / FINER)) {
      const step = binaryScale(range, each);
      let error = 0;
      for (const row of rows) {
        const scale = 2 ** (leastExponent(row, step, each, length, MOST_INT8) - bits) / step;
        error += step ** 2 * row.squares + scale ** 2 * length * meanSquare;
      }
      if (error < (best?.error ?? Number.POSITIVE_INFINITY)) best = { most: each, bits, error };
    }
  }
  if (!best) return undefined;
  const { most, bits } = best;
  const step = binaryScale(range, most);
  const unit = 2 ** bits;
  const high = (value: number) => Math.round(value / unit);
  const whole = integersOf(layer, { most, step }, (row, rounded) => {
    for (let exponent = leastExponent(row, step, most, length, MOST_INT8) - bits; ; exponent++) {
      const scale = 2 ** exponent / step;
      const { integers, bias } = rounded(scale);
      let [sum, peak] = [0, 0];
      for (const integer of integers) {
        sum += Math.abs(high(integer));
        peak = Math.max(peak, Math.abs(high(integer)));
      }
      if (peak <= MOST_INT8 && sum * most + Math.abs(high(bias)) < F32_EXACT) return scale;
    }
  });
  const low = (value: number) => value - high(value) * unit;
  return {
    ...whole,
    bound: F32_EXACT - 1,
    planes: [
      { values: Int8Array.from(whole.weights, high), zero: 0, weight: unit },
      { values: Int8Array.from(whole.weights, low), zero: 0, weight: 1 },
    ],
    planeBiases: [whole.biases.map(high), whole.biases.map(low)],
  };
}

/** The largest magnitude of a weight in one plane. */
const MOST_INT8 = 127;

/** Steps of sums within which f32 is far from its smallest and largest numbers. */
const LEAST_EXPONENT = -90;

/**
 * The exponent of the least power of two that a step of a channel's sums can be: sums of magnitude below 2^24, no weight over a limit. Infinity where
 * rounding the weights alone could make them larger.
 */
function leastExponent(
  { peak, absolute, bias }: Row,
  step: number,
  most: number,
  length: number,
  limit = TWO_PLANES,
): number {
  const room = F32_EXACT - 2 - (length / 2) * most;
  if (room <= 0) return Number.POSITIVE_INFINITY;
  const least = Math.max((absolute * step * most + Math.abs(bias)) / room, (peak * step) / limit);
  return Math.max(LEAST_EXPONENT, Math.ceil(Math.log2(least)));
}

/** The integers of a layer on rung 4: all bits that two planes hold. @throws FatalError COMPILE_WEIGHTS */
export function finestLayer(layer: RealLayer, range: WideRange): WideLayer {
  const most = mostIntegers(range);
  const step = wideScale(range, most);
  // Coarse enough that the bias is within int32, as a sum of its own.
  return integersOf(layer, { most, step }, ({ peak, bias }) =>
    Math.max(peak / TWO_PLANES, Math.abs(bias) / step / 2 ** 30),
  );
}

/**
 * The integers of a layer on rung 4 whose weights the model itself gives in 8 bits: these, and activations in three planes, which makes no more products than
 * two planes of both and loses nothing.
 *
 * @param factors what the given weights of a channel are multiplied by
 * @returns undefined where a bias leaves int32
 */
export function givenLayer(
  { biases }: RealLayer,
  given: IntegerWeights,
  factors: Float64Array,
  range: WideRange,
): WideLayer | undefined {
  const most = range.fixed ? mostIntegers(range) : THREE_PLANES;
  const step = wideScale(range, most);
  const scales = given.scales.map((scale, channel) => step * scale * (factors[channel] as number));
  const exact = biases.map((bias, channel) => bias / (scales[channel] as number));
  if (exact.some((bias) => !(Math.abs(bias) < 2 ** 31 - 1))) return undefined;
  const units = Int32Array.from(exact, roundTiesToEven);
  const weights = Int32Array.from(given.values, (value) => value - given.zero);
  const length = weights.length / biases.length;
  let bound = 0;
  units.forEach((bias, channel) => {
    let sum = 0;
    for (let k = channel * length; k < (channel + 1) * length; k++) sum += Math.abs(weights[k] as number);
    bound = Math.max(bound, sum * most + Math.abs(bias));
  });
  const { values, zero } = given;
  return { most, step, weights, biases: units, scales, bound, planes: [{ values, zero, weight: 1 }] };
}

interface Row {
  readonly peak: number;
  readonly absolute: number;
  readonly squares: number;
  readonly bias: number;
}

/** A channel as integers, and the largest magnitude that its sums can have. */
interface RoundedRow {
  readonly integers: Int32Array;
  readonly bias: number;
  readonly bound: number;
}

function rowsOf({ weights, biases, what }: RealLayer): Row[] {
  const length = weights.length / biases.length;
  return Array.from(biases, (bias, channel) => {
    let [peak, absolute, squares] = [0, 0, 0];
    for (const weight of weights.subarray(channel * length, (channel + 1) * length)) {
      if (!Number.isFinite(weight)) peak = Number.NaN;
      peak = Math.max(peak, Math.abs(weight));
      absolute += Math.abs(weight);
      squares += weight * weight;
    }
    if (!Number.isFinite(peak) || !Number.isFinite(bias))
      throw new FatalError("COMPILE_WEIGHTS", `The weights of ${what} hold infinities or NaN.`);
    return { peak: Math.max(peak, 1e-30), absolute, squares, bias };
  });
}

/**
 * @param scaleOf the scale of a channel's weights; told what a scale makes of the channel
 */
function integersOf(
  layer: RealLayer,
  { most, step }: Pick<WideLayer, "most" | "step">,
  scaleOf: (row: Row, rounded: (scale: number) => RoundedRow) => number,
): WideLayer {
  const channels = layer.biases.length;
  const length = layer.weights.length / channels;
  const weights = new Int32Array(layer.weights.length);
  const biases = new Int32Array(channels);
  const scales = new Float32Array(channels);
  let largest = 0;
  rowsOf(layer).forEach((row, channel) => {
    const real = layer.weights.subarray(channel * length, (channel + 1) * length);
    const rounded = (scale: number): RoundedRow => {
      let [magnitude, shift] = [0, 0];
      const integers = Int32Array.from(real, (weight, k) => {
        const integer = roundTiesToEven(weight / scale);
        magnitude += Math.abs(integer);
        // As correctBiases: what rounding does to the mean of the sum.
        shift += (weight - integer * scale) * layer.meanInput(channel, k);
        return integer;
      });
      const bias = roundTiesToEven((row.bias + shift) / (step * scale));
      return { integers, bias, bound: magnitude * most + Math.abs(bias) };
    };
    const scale = scaleOf(row, rounded);
    const { integers, bias, bound } = rounded(scale);
    weights.set(integers, channel * length);
    biases[channel] = bias;
    scales[channel] = step * scale;
    largest = Math.max(largest, bound);
  });
  return { most, step, weights, biases, scales, bound: largest, planes: planesOf(weights) };
}

function planesOf(weights: Int32Array): WideLayer["planes"] {
  if (weights.every((weight) => Math.abs(weight) <= 127))
    return [{ values: Int8Array.from(weights), zero: 0, weight: 1 }];
  const low = Int8Array.from(weights);
  const high = Int8Array.from(weights, (weight, k) => (weight - (low[k] as number)) / 256);
  return [
    { values: high, zero: 0, weight: 256 },
    { values: low, zero: 0, weight: 1 },
  ];
}
