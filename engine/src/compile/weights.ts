import type { IntegerConstant } from "../onnx/integerConstants.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import { checkAccumulator, correctBiases, quantiseBiases, quantiseWeights } from "./quantisation.ts";
import { product } from "./view.ts";

/** Integer weights: weight = (value - zero) * scale of its channel. */
export interface IntegerWeights {
  /** Row-major [channels, length]. */
  readonly values: Int8Array | Uint8Array;
  /** 0 unless values are u8. */
  readonly zero: number;
  /** Binary32, one per channel. */
  readonly scales: Float32Array;
}

/** Where the integers of a model's constants are found; a Lowering is one. */
interface IntegerSource {
  integers(name: string | undefined): IntegerConstant | undefined;
}

/** The element type the weights are kept as. */
export function weightType({ values }: Pick<IntegerWeights, "values">): "u8" | "i8" {
  return values instanceof Uint8Array ? "u8" : "i8";
}

/** What a layer multiplies by and adds: sum of (value - zero) * input + bias, in units of inputScale * scale of the channel. */
export interface IntegerLayer extends IntegerWeights {
  readonly biases: Int32Array;
}

export interface LayerConstants {
  /** The constants' names; the bias is optional. */
  readonly weightName: string | undefined;
  readonly biasName: string | undefined;
  /** The dimension of the weights that becomes the rows. */
  readonly channelAxis: number;
  /** What the constants' channels are multiplied by, one factor each. */
  readonly factors: Float64Array;
  /** Row-major [channels, length], factors included. */
  readonly weights: Float64Array;
  /** Everything that is added to a channel, factors included. */
  readonly biases: Float64Array;
  readonly inputScale: number;
  /** The mean of what weight k of a channel multiplies. */
  readonly meanInput: (channel: number, k: number) => number;
  /** The largest magnitude of a weight that is quantised here. */
  readonly limit: number;
  /** The node, for errors. */
  readonly what: string;
}

/**
 * The integers a layer computes with: the model's own, unchanged, where it arrived quantised; otherwise quantised here, biases corrected.
 *
 * @throws FatalError COMPILE_OVERFLOW, COMPILE_WEIGHTS
 */
export function integerLayer(source: IntegerSource, constants: LayerConstants): IntegerLayer {
  const { weightName, channelAxis, factors, inputScale, what } = constants;
  const given = givenWeights(source, weightName, channelAxis);
  if (given) {
    const scales = given.scales.map((scale, channel) => scale * (factors[channel] as number));
    const biases = biasesFor(source, constants, scales);
    if (biases) {
      checkAccumulator(given, biases, what);
      return { ...given, scales, biases };
    }
  }
  const { weights } = constants;
  const made = quantiseWeights(weights, factors.length, constants.biases, inputScale, constants.limit, what);
  const corrected = correctBiases(constants.biases, weights, made, constants.meanInput);
  const biases = quantiseBiases(corrected, made.scales, inputScale);
  checkAccumulator({ ...made, zero: 0 }, biases, what);
  return { ...made, zero: 0, biases };
}

/** The biases in units of the given weights; undefined where one leaves int32. */
function biasesFor(
  source: IntegerSource,
  { biasName, factors, biases, inputScale }: LayerConstants,
  scales: Float32Array,
): Int32Array | undefined {
  const given = givenBiases(source, biasName, inputScale, scales);
  if (given && factors.every((factor) => factor === 1)) {
    const unit = (channel: number) => inputScale * (scales[channel] as number);
    // Nothing but the bias itself is added: its integers are kept even where f32 would round them.
    if (
      given.every(
        (value, channel) =>
          Math.abs(value * unit(channel) - (biases[channel] as number)) <=
          unit(channel) * Math.max(0.5, Math.abs(value) * 1e-5),
      )
    )
      return given;
  }
  if (
    biases.some((bias, channel) => !(Math.abs(bias / (inputScale * (scales[channel] as number))) < 2 ** 31))
  )
    return undefined;
  return quantiseBiases(biases, scales, inputScale);
}

/**
 * A constant's own integers, where the model arrived quantised and a kernel can take them: 8 bits, at most one scale per channel. Everything
 * that multiplies by constants asks here first and quantises anew only what is undefined here.
 *
 * @param channelAxis the dimension that becomes the rows; the others follow in their order
 */
export function givenWeights(
  source: IntegerSource,
  name: string | undefined,
  channelAxis: number,
): IntegerWeights | undefined {
  const given = source.integers(name);
  if (!given || (given.axis !== undefined && given.axis !== channelAxis)) return undefined;
  const { integers, scales, zeros } = given;
  if (integers.type !== "i8" && integers.type !== "u8") return undefined;
  const channels = integers.dims[channelAxis] ?? 1;
  const perChannel = Float32Array.from(
    { length: channels },
    (_, channel) => scales[scales.length === 1 ? 0 : channel] as number,
  );
  const kept = weightRows(integers, zeros, channelAxis);
  return kept && { ...kept, scales: perChannel };
}

/**
 * 8-bit weights in rows, one per channel, as i8 without a zero point where they fit, else as u8 with one.
 * @param zeros one for all or one per channel
 * @returns undefined where channels that do not fit i8 have zero points of their own
 */
export function weightRows(
  integers: HostTensor,
  zeros: Int32Array,
  channelAxis: number,
): Pick<IntegerWeights, "values" | "zero"> | undefined {
  const rows = rowsOf(integers.data as Int8Array, integers.dims, channelAxis);
  const length = rows.length / Math.max(1, integers.dims[channelAxis] ?? 1);
  const centred = rows.map(
    (value, k) => value - (zeros[zeros.length === 1 ? 0 : Math.floor(k / length)] as number),
  );
  if (centred.every((value) => value >= -128 && value <= 127))
    return { values: Int8Array.from(centred), zero: 0 };
  const shift = integers.type === "i8" ? 128 : 0;
  const [zero] = zeros as unknown as [number];
  if (zeros.some((other) => other !== zero)) return undefined;
  return { values: Uint8Array.from(rows, (value) => value + shift), zero: zero + shift };
}

/**
 * A bias's own int32 values, where the model gives them in units of what is summed: of scale inputScale * scales[channel].
 */
export function givenBiases(
  source: IntegerSource,
  name: string | undefined,
  inputScale: number,
  scales: Float32Array,
): Int32Array | undefined {
  const given = source.integers(name);
  if (given?.integers.type !== "i32" || given.zeros.some((zero) => zero !== 0)) return undefined;
  const values = given.integers.data as Int32Array;
  if (values.length !== scales.length) return undefined;
  const isUnit = scales.every((scale, channel) => {
    const own = given.scales[given.scales.length === 1 ? 0 : channel] as number;
    // Tools round the product of the scales differently.
    return Math.abs(own - inputScale * scale) <= Math.abs(own) * 1e-5;
  });
  return isUnit ? values : undefined;
}

/** The elements with dimension `axis` in front. */
function rowsOf(data: ArrayLike<number>, dims: readonly number[], axis: number): Int32Array {
  const channels = dims[axis] ?? 1;
  const inner = product(dims.slice(axis + 1));
  const outer = product(dims.slice(0, axis));
  const rows = new Int32Array(data.length);
  for (let o = 0; o < outer; o++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let k = 0; k < inner; k++) {
        rows[(channel * outer + o) * inner + k] = data[(o * channels + channel) * inner + k] as number;
      }
    }
  }
  return rows;
}
