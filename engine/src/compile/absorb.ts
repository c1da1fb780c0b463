import { floatAttribute, type GraphNode } from "../onnx/graph.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import type { Lowering } from "./lowering.ts";

/** What follows a Conv, Gemm or MatMul and is computed inside it: y = relu?(x * scale + shift), per channel. */
export interface Absorbed {
  /** The value the fused op computes. */
  readonly output: string;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  readonly relu: boolean;
}

/**
 * Follows the only consumers of a node's output through Adds, Muls and Divs of constants, BatchNormalization and Relu, and marks them as done.
 *
 * @param channels size of the channel axis
 * @param channelAxis counted from the end of the output's shape, 1 is the last
 */
export function absorbFollowers(
  node: GraphNode,
  lowering: Lowering,
  channels: number,
  channelAxis: number,
): Absorbed {
  const scale = new Float64Array(channels).fill(1);
  const shift = new Float64Array(channels);
  let output = node.outputs[0] ?? "";
  for (;;) {
    const next = lowering.soleConsumer(output);
    if (next?.domain !== "") break;
    // Saturation is the Relu where 0 is the lowest that u8 holds.
    if (next.op === "Relu" && (lowering.preferred(next.outputs[0] ?? "")?.zero ?? 0) === 0) {
      lowering.absorb(next);
      return { output: next.outputs[0] ?? "", scale, shift, relu: true };
    }
    if (next.op === "Add") {
      const constant = lowering.constant(next.inputs[0] === output ? next.inputs[1] : next.inputs[0]);
      const values = constant && perChannel(constant, channels, channelAxis, lowering.dims(output).length);
      if (!values) break;
      for (let c = 0; c < channels; c++) shift[c] = (shift[c] as number) + (values[c] as number);
    } else if (next.op === "Mul" || next.op === "Div") {
      const factors = multiplied(next, output, lowering, channels, channelAxis);
      if (!factors) break;
      for (let c = 0; c < channels; c++) {
        scale[c] = (scale[c] as number) * (factors[c] as number);
        shift[c] = (shift[c] as number) * (factors[c] as number);
      }
    } else if (next.op === "BatchNormalization" && channelAxis === lowering.dims(output).length - 1) {
      const factors = batchNormalisation(next, lowering);
      if (!factors || factors.scale.length !== channels) break;
      for (let c = 0; c < channels; c++) {
        const factor = factors.scale[c] as number;
        scale[c] = (scale[c] as number) * factor;
        shift[c] = (shift[c] as number) * factor + (factors.shift[c] as number);
      }
    } else {
      break;
    }
    lowering.absorb(next);
    output = next.outputs[0] ?? "";
  }
  return { output, scale, shift, relu: false };
}

/** What a Mul or a Div by a constant multiplies a value's channels by; undefined unless these are positive, as weights' own scales have to be. */
function multiplied(
  node: GraphNode,
  value: string,
  lowering: Lowering,
  channels: number,
  channelAxis: number,
): Float64Array | undefined {
  const [a, b] = node.inputs;
  if (node.op === "Div" && a !== value) return undefined;
  const constant = lowering.constant(a === value ? b : a);
  const values = constant && perChannel(constant, channels, channelAxis, lowering.dims(value).length);
  const factors = node.op === "Div" ? values?.map((divisor) => 1 / divisor) : values;
  return factors?.every((factor) => factor > 1e-10 && factor < 1e10) ? factors : undefined;
}

/** A constant that is one number per channel: every other dimension is 1. */
function perChannel(
  constant: HostTensor,
  channels: number,
  channelAxis: number,
  rank: number,
): Float64Array | undefined {
  if (constant.type !== "f32" || constant.dims.length > rank) return undefined;
  const data = constant.data as Float32Array;
  const axis = constant.dims.length - channelAxis;
  if (constant.dims.some((size, k) => k !== axis && size !== 1)) return undefined;
  if (data.length === 1) return new Float64Array(channels).fill(data[0] as number);
  return data.length === channels ? Float64Array.from(data) : undefined;
}

/** BatchNormalization in inference form as y = x * scale + shift; undefined unless all its parameters are constants. */
export function batchNormalisation(
  node: GraphNode,
  lowering: Lowering,
): { scale: Float64Array; shift: Float64Array } | undefined {
  const parameters = node.inputs.slice(1, 5).map((name) => lowering.constant(name));
  if (parameters.length !== 4 || parameters.some((tensor) => tensor?.type !== "f32")) return undefined;
  const [gamma, beta, mean, variance] = parameters.map((tensor) =>
    Float64Array.from((tensor as HostTensor).data as Float32Array),
  );
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = floatAttribute(node, "epsilon", 1e-5);
  const scale = gamma.map((value, c) => value / Math.sqrt((variance[c] as number) + epsilon));
  const shift = beta.map((value, c) => value - (mean[c] as number) * (scale[c] as number));
  return { scale, shift };
}
