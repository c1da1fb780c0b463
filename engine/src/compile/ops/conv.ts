import { FatalError } from "@surety/protocol";
import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { absorbFollowers } from "../absorb.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import type { Quantisation } from "../quantisation.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { QuantisedValue } from "../values.ts";
import { freshDims, product, type View } from "../view.ts";
import { type IntegerLayer, integerLayer, weightType } from "../weights.ts";
import {
  checkWindow,
  imageAxes,
  mapWindow,
  readWindow,
  type Window,
  windowAttributes,
  windowBounds,
} from "../window.ts";

/** Conv, 1D and 2D, with what follows it: QLinearConv of u8 activations and i8 weights, one `dot` instruction. */
export const conv: Rule = {
  check(node, graph) {
    const problem = checkOperands(node, graph, ["filter", "bias"]) ?? checkWindow(node);
    if (problem) return problem;
    const filter = graph.initializers.get(node.inputs[1] ?? "");
    if (filter?.type !== "f32") return "its filter is not float32";
    if (filter.dims.length !== 3 && filter.dims.length !== 4) {
      return `its filter has the shape [${filter.dims}]; only 1D and 2D convolutions are supported`;
    }
    if (filter.data.length === 0) return "its filter is empty";
    const groups = intAttribute(node, "group", 1);
    if (groups < 1 || (filter.dims[0] as number) % groups !== 0)
      return `${groups} groups do not divide its output channels`;
    return undefined;
  },

  lower(node, lowering) {
    const name = node.outputs[0] ?? "";
    const input = imageOf(lowering, node.inputs[0] ?? "", node);
    const filter = lowering.constant(node.inputs[1]);
    if (!filter) throw lowering.unsupported(node, "its filter is not a constant");
    const [channels, perGroup, ...kernel] = filter.dims as [number, number, ...number[]];
    const followers = absorbFollowers(node, lowering, channels, kernel.length + 1);
    const { weights, biases } = fuse(node, lowering, channels, followers);
    const groups = intAttribute(node, "group", 1);
    const inputScale = input.quantisation.scale;
    const means = lowering.statistics(node.inputs[0] ?? "").channelMeans;
    const taps = product(kernel);
    const meanInput = (channel: number, k: number) => {
      const group = Math.floor(channel / (channels / groups));
      return means[group * perGroup + Math.floor(k / taps)] as number;
    };
    const layer = integerLayer(lowering, {
      weightName: node.inputs[1],
      biasName: node.inputs[2],
      channelAxis: 0,
      factors: followers.scale,
      weights,
      biases,
      inputScale,
      meanInput,
      what: node.name,
    });
    const output = lowering.quantisationOf(followers.output);
    const window = readWindow(node, kernel, input.dims.slice(2), lowering.dims(name).slice(2));

    const tensor = lowering.freshName(`${followers.output}_u8`);
    lowering.exact.node(
      "QLinearConv",
      [
        input.tensor,
        lowering.scalar("f32", inputScale),
        lowering.scalar("u8", input.quantisation.zero),
        lowering.initializer(`${node.name}_filter`, {
          type: weightType(layer),
          dims: filter.dims,
          data: layer.values,
        }),
        lowering.initializer(`${node.name}_filter_scale`, {
          type: "f32",
          dims: [channels],
          data: layer.scales,
        }),
        lowering.scalar(weightType(layer), layer.zero),
        lowering.scalar("f32", output.scale),
        lowering.scalar("u8", output.zero),
        lowering.initializer(`${node.name}_bias`, { type: "i32", dims: [channels], data: layer.biases }),
      ],
      [tensor],
      { ...windowAttributes(window), group: groups },
      node.name,
    );

    const view = emitConvolution({
      lowering,
      node,
      tensor,
      input,
      window,
      groups,
      channels,
      perGroup,
      layer,
      output,
    });
    const dims = lowering.dims(followers.output);
    lowering.setQuantised(followers.output, { tensor, dims, view, type: "u8", quantisation: output });
  },
};

/** The u8 form of an image whose view has one axis per dimension. */
export function imageOf(lowering: Lowering, name: string, node: GraphNode): QuantisedValue {
  const value = lowering.quantised(name, "channels-last");
  if (value.dims.length < 3) throw lowering.unsupported(node, `its input has the shape [${value.dims}]`);
  if (imageAxes(value.view)) return value;
  return lowering.copy(name, value);
}

function fuse(
  node: GraphNode,
  lowering: Lowering,
  channels: number,
  { scale, shift }: { scale: Float64Array; shift: Float64Array },
): { weights: Float64Array; biases: Float64Array } {
  const weights = Float64Array.from(lowering.constant(node.inputs[1])?.data as Float32Array);
  const length = weights.length / channels;
  for (let k = 0; k < weights.length; k++)
    weights[k] = (weights[k] as number) * (scale[Math.floor(k / length)] as number);
  const own = lowering.constant(node.inputs[2] || undefined)?.data as Float32Array | undefined;
  if (own && own.length !== channels)
    throw lowering.unsupported(node, `its bias has ${own.length} elements for ${channels} channels`);
  const biases = shift.map((value, c) => value + (own ? (own[c] as number) * (scale[c] as number) : 0));
  return { weights, biases };
}

interface Convolution {
  readonly lowering: Lowering;
  readonly node: GraphNode;
  readonly tensor: string;
  readonly input: QuantisedValue;
  readonly window: Window;
  readonly groups: number;
  readonly channels: number;
  readonly perGroup: number;
  readonly layer: IntegerLayer;
  readonly output: Quantisation;
}

/** One `dot` over [kernel..., channels of the group]; output committed channels-last. */
function emitConvolution(parameters: Convolution): View {
  const { lowering, node, input, window, groups, channels, perGroup, layer, output } = parameters;
  const axes = imageAxes(input.view);
  if (!axes) throw lowering.unsupported(node, "its input is not laid out as an image");
  const map = mapWindow(window, axes.spatial);
  const reduceDims = [...window.kernel, perGroup];
  const length = product(reduceDims);
  const perGroupOut = channels / groups;
  const batch = input.dims[0] as number;
  const outDims = [batch, ...window.output, groups, perGroupOut];

  const weight = lowering.program.addWeight(
    `${node.name}/filter`,
    weightType(layer),
    reversedFilter(layer.values, channels, perGroup, length),
  );
  const reversed = reduceDims.map((_, axis) => -product(reduceDims.slice(axis + 1)));
  const perChannel = [0, ...window.output.map(() => 0), perGroupOut, 1];
  const noReduction = reduceDims.map(() => 0);
  const channelVector = (index: number, dtype: "i32" | "f32") => ({
    space: "weight" as const,
    index,
    dtype,
    elements: channels,
    offset: 0,
    out: perChannel,
    reduce: noReduction,
  });
  const requantisation = requantisationScales(input.quantisation.scale, layer.scales, output.scale);

  const expression = new Expression();
  const sum = expression.apply("iadd", expression.acc(), expression.load(2));
  expression.requantise(sum, expression.load(3), output.zero);
  const logical = [batch, channels, ...window.output];
  const order = [0, ...window.output.map((_, k) => k + 2), 1];
  const index = lowering.program.add(
    node.name,
    { tensor: parameters.tensor, shape: logical, permutation: order },
    {
      accumulate: "dot",
      outDtype: "u8",
      outDims,
      reduceDims,
      aZero: input.quantisation.zero,
      bZero: layer.zero,
      operands: [
        {
          space: input.view.space,
          index: input.view.index,
          dtype: "u8",
          elements: input.view.elements,
          offset: input.view.offset + map.offset,
          out: [axes.batch.stride, ...map.out, perGroup * axes.channel.stride, 0],
          reduce: [...map.kernel, axes.channel.stride],
          bounds: windowBounds(window, map, outDims.length, 1, reduceDims.length),
        },
        {
          space: "weight",
          index: weight,
          dtype: weightType(layer),
          elements: channels * length,
          offset: length - 1,
          out: [0, ...window.output.map(() => 0), perGroupOut * length, length],
          reduce: reversed,
        },
        channelVector(lowering.program.addWeight(`${node.name}/bias`, "i32", layer.biases), "i32"),
        channelVector(lowering.program.addWeight(`${node.name}/scale`, "f32", requantisation), "f32"),
      ],
      expression: expression.operations,
    },
  );
  const dims = freshDims(
    logical.map((size) => [size]),
    order,
  );
  return { space: "trace", index, dtype: "u8", elements: product(logical), offset: 0, dims };
}

/** From [m, c, kernel...] to [m, reversed (kernel..., c)]: the referee multiplies one operand in reversed order. */
function reversedFilter<Values extends Int8Array | Uint8Array>(
  filter: Values,
  channels: number,
  perGroup: number,
  length: number,
): Values {
  const window = length / perGroup;
  const reversed = filter.slice() as Values;
  for (let m = 0; m < channels; m++) {
    for (let c = 0; c < perGroup; c++) {
      for (let k = 0; k < window; k++) {
        reversed[m * length + length - 1 - (k * perGroup + c)] = filter[
          m * length + c * window + k
        ] as number;
      }
    }
  }
  return reversed;
}

/** f32(f32(xs * ws) / ys), per channel, as QLinearConv computes it. */
export function requantisationScales(
  inputScale: number,
  scales: Float32Array,
  outputScale: number,
): Float32Array {
  const factors = scales.map((scale) => Math.fround(Math.fround(inputScale * scale) / outputScale));
  // 0 times an infinity would be NaN, which no quantisation has a place for.
  if (factors.some((factor) => !Number.isFinite(factor))) {
    throw new FatalError(
      "COMPILE_RANGE",
      `A layer's scales ${inputScale} and ${Math.max(...scales)} over ${outputScale} overflow f32. Rescale the model's weights.`,
    );
  }
  return factors;
}
