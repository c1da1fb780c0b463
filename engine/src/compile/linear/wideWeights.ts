import { FatalError } from "@surety/protocol";
import { roundTiesToEven } from "../quantisation.ts";
import type { IntegerWeights } from "../weights.ts";
import { F32_EXACT } from "./rung.ts";
import type { WideRange } from "./wideActivation.ts";
import { mostIntegers, THREE_PLANES, wideScale } from "./wideActivation.ts";

/** Largest magnitude of a weight in two i8 planes, high * 256 + low. */
const TWO_PLANES = 127 * 256;

/** A linear layer's constants as integers: y = (sum of weight * activation + bias) * scale, per channel. */
export interface WideLayer {
  /** The magnitude that activations may reach. */
  readonly most: number;
  /** Row-major [channels, length]. */
  readonly weights: Int32Array;
  readonly biases: Int32Array;
  /** Binary32, activation scale included. */
  readonly scales: Float32Array;
  /** The largest magnitude any sum, bias included, can have. */
  readonly bound: number;
  /** The weights as 8-bit tensors, the value that stands for 0 in them, and what one step of each is worth. */
  readonly planes: readonly (Pick<IntegerWeights, "values" | "zero"> & { readonly weight: 1 | 256 })[];
}

/** What a layer multiplies by and adds, in real numbers. */
export interface RealLayer {
  /** Row-major [channels, length]. */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
  readonly what: string;
}

/**
 * The integers of a layer on rung 2: of all ways to share the 24 bits of f32 between weights and activations, the one with the least expected error.
 *
 * Rounding noise: steps of size d give d^2 / 12. Of the activations it is multiplied by the weights' squares, of the weights by the activations'.
 *
 * @param meanSquare of the activation
 * @throws FatalError COMPILE_WEIGHTS
 */
export function balancedLayer(layer: RealLayer, range: WideRange, meanSquare: number): WideLayer {
  const rows = rowsOf(layer);
  const length = layer.weights.length / layer.biases.length;
  let best: { limit: number; most: number; error: number } | undefined;
  for (let limit = 64; limit <= TWO_PLANES; limit = Math.ceil(limit * Math.SQRT2)) {
    // sum of |weight| and the bias, both in steps of the weights, for activations of magnitude 1.
    const perStep = rows.map(({ peak, absolute, bias }) => {
      const weights = (absolute / peak) * limit + length / 2;
      return weights + (Math.abs(bias) / peak) * (limit / range.reach) + 1;
    });
    const most = Math.min(mostIntegers(range), Math.floor((F32_EXACT - 1) / Math.max(...perStep)));
    if (most < mostIntegers(range) && (range.fixed || most < 64)) continue;
    const step = wideScale(range, most);
    let error = 0;
    for (const { peak, squares } of rows)
      error += step ** 2 * squares + (peak / limit) ** 2 * length * meanSquare;
    if (!best || error < best.error) best = { limit, most, error };
  }
  const { limit, most } = best ?? { limit: 64, most: mostIntegers(range) };
  return integersOf(layer, range, limit, most);
}

/** The integers of a layer on rung 3: all bits that two planes hold. @throws FatalError COMPILE_WEIGHTS */
export function finestLayer(layer: RealLayer, range: WideRange): WideLayer {
  return integersOf(layer, range, TWO_PLANES, mostIntegers(range));
}

/**
 * The integers of a layer on rung 3 whose weights the model itself gives in 8 bits: these, and activations in three planes, which makes no more products than
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
  const activationScale = wideScale(range, most);
  const scales = given.scales.map((scale, channel) => activationScale * scale * (factors[channel] as number));
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
  return { most, weights, biases: units, scales, bound, planes: [{ values, zero, weight: 1 }] };
}

interface Row {
  readonly peak: number;
  readonly absolute: number;
  readonly squares: number;
  readonly bias: number;
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

function integersOf(layer: RealLayer, range: WideRange, limit: number, most: number): WideLayer {
  const channels = layer.biases.length;
  const length = layer.weights.length / channels;
  const weights = new Int32Array(layer.weights.length);
  const biases = new Int32Array(channels);
  const scales = new Float32Array(channels);
  const activationScale = wideScale(range, most);
  let bound = 0;
  rowsOf(layer).forEach(({ peak, bias }, channel) => {
    // Coarse enough that the bias is within int32, as a sum of its own.
    const scale = Math.max(peak / limit, Math.abs(bias) / activationScale / 2 ** 30);
    let sum = 0;
    for (let k = channel * length; k < (channel + 1) * length; k++) {
      const weight = roundTiesToEven((layer.weights[k] as number) / scale);
      weights[k] = weight;
      sum += Math.abs(weight);
    }
    biases[channel] = roundTiesToEven(bias / (activationScale * scale));
    scales[channel] = activationScale * scale;
    bound = Math.max(bound, sum * most + Math.abs(biases[channel] as number));
  });
  return { most, weights, biases, scales, bound, planes: planesOf(weights) };
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
