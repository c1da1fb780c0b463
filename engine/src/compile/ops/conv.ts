import { FatalError } from "@surety/protocol";
import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { absorbFollowers } from "../absorb.ts";
import { Expression } from "../expression.ts";
import { type ConvolutionLoops, convolutionLoops, convolutionView } from "../linear/convolutionLoops.ts";
import { F32_EXACT, int8Limit } from "../linear/rung.ts";
import { emitWideConvolution } from "../linear/wideConvolution.ts";
import type { Lowering } from "../lowering.ts";
import type { Quantisation } from "../quantisation.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { QuantisedValue } from "../values.ts";
import { product, type View } from "../view.ts";
import { type IntegerLayer, integerLayer, weightType } from "../weights.ts";
import { checkWindow, imageAxes, readWindow, windowAttributes } from "../window.ts";

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
    const filter = lowering.constant(node.inputs[1]);
    if (!filter) throw lowering.unsupported(node, "its filter is not a constant");
    const [channels, perGroup, ...kernel] = filter.dims as [number, number, ...number[]];
    const followers = absorbFollowers(node, lowering, channels, kernel.length + 1);
    const { weights, biases } = fuse(node, lowering, channels, followers);
    const groups = intAttribute(node, "group", 1);
    const imageDims = lowering.dims(node.inputs[0] ?? "");
    if (imageDims.length !== filter.dims.length)
      throw lowering.unsupported(node, `its input has the shape [${imageDims}]`);
    const window = readWindow(node, kernel, imageDims.slice(2), lowering.dims(name).slice(2));
    const loops = convolutionLoops(window, imageDims[0] as number, channels, perGroup, groups);
    const means = lowering.statistics(node.inputs[0] ?? "").channelMeans;
    const taps = product(kernel);
    const meanInput = (channel: number, k: number) => {
      const group = Math.floor(channel / (channels / groups));
      return means[group * perGroup + Math.floor(k / taps)] as number;
    };
    const rung = lowering.rung(node);
    if (rung >= 2) {
      const layer = { weights, biases, meanInput, what: node.name };
      emitWideConvolution({
        lowering,
        node,
        rung,
        layer,
        window,
        loops,
        groups,
        filterDims: filter.dims,
        followers,
      });
      return;
    }
    const input = imageOf(lowering, node.inputs[0] ?? "", node);
    const inputScale = input.quantisation.scale;
    const layer = integerLayer(lowering, {
      weightName: node.inputs[1],
      biasName: node.inputs[2],
      channelAxis: 0,
      factors: followers.scale,
      weights,
      biases,
      inputScale,
      meanInput,
      limit: int8Limit(rung),
      what: node.name,
    });
    const output = lowering.quantisationOf(followers.output);

    const parts = { lowering, node, name: followers.output, input, layer, output, filterDims: filter.dims };
    const attributes = { ...windowAttributes(window), group: groups };
    const tensor = isStem(perGroup, groups, layer, product(filter.dims.slice(1)))
      ? emitStem(parts, attributes)
      : emitBytes(parts, attributes);

    const view = emitConvolution({ lowering, node, tensor, input, loops, layer, output });
    const dims = lowering.dims(followers.output);
    lowering.setQuantised(followers.output, { tensor, dims, view, type: "u8", quantisation: output });
  },
};

interface ConvolutionNodes {
  readonly lowering: Lowering;
  readonly node: GraphNode;
  /** The source value that it computes. */
  readonly name: string;
  readonly input: QuantisedValue;
  readonly layer: IntegerLayer;
  readonly output: Quantisation;
  readonly filterDims: readonly number[];
}

type Attributes = Parameters<Lowering["emit"]>[2];

/** The u8 result by QLinearConv. */
function emitBytes(parts: ConvolutionNodes, attributes: Attributes): string {
  const { lowering, node, name, input, layer, output, filterDims: dims } = parts;
  const type = weightType(layer);
  const channels = dims[0] as number;
  const tensor = lowering.freshName(`${name}_u8`);
  lowering.exact.node(
    "QLinearConv",
    [
      input.tensor,
      lowering.scalar("f32", input.quantisation.scale),
      lowering.scalar("u8", input.quantisation.zero),
      lowering.initializer(`${node.name}_filter`, { type, dims, data: layer.values }),
      lowering.initializer(`${node.name}_filter_scale`, {
        type: "f32",
        dims: [channels],
        data: layer.scales,
      }),
      lowering.scalar(type, layer.zero),
      lowering.scalar("f32", output.scale),
      lowering.scalar("u8", output.zero),
      lowering.initializer(`${node.name}_bias`, { type: "i32", dims: [channels], data: layer.biases }),
    ],
    [tensor],
    attributes,
    node.name,
  );
  return tensor;
}

/**
 * Whether it has one input channel, for which onnxruntime's convolution of bytes takes longer than that of floats (of three, as long), and f32 holds
 * all its sums, in whatever order they are added up.
 */
function isStem(perGroup: number, groups: number, { biases }: IntegerLayer, taps: number): boolean {
  const most = biases.reduce((a, b) => Math.max(a, Math.abs(b)), 0) + 255 * 255 * taps;
  return groups === 1 && perGroup === 1 && most < F32_EXACT;
}

/** The same bytes as `emitBytes` by an f32 Conv of whole numbers, scaled and rounded as QLinearConv does it. */
function emitStem(parts: ConvolutionNodes, attributes: Attributes): string {
  const { lowering, node, name, input, layer, output, filterDims } = parts;
  const channels = filterDims[0] as number;
  const { scale, zero } = input.quantisation;
  let image = lowering.emit("Cast", [input.tensor], { to: 1 });
  if (zero !== 0) image = lowering.emit("Sub", [image, lowering.scalar("f32", zero)]);
  const filter = Float32Array.from(layer.values, (value) => value - layer.zero);
  const sum = lowering.emit(
    "Conv",
    [
      image,
      lowering.initializer(`${node.name}_filter`, { type: "f32", dims: filterDims, data: filter }),
      lowering.initializer(`${node.name}_bias`, {
        type: "f32",
        dims: [channels],
        data: Float32Array.from(layer.biases),
      }),
    ],
    attributes,
  );
  const factors = lowering.initializer(`${node.name}_scale`, {
    type: "f32",
    dims: [channels, ...filterDims.slice(2).map(() => 1)],
    data: requantisationScales(scale, layer.scales, output.scale),
  });
  return lowering.emit(
    "QuantizeLinear",
    [lowering.emit("Mul", [sum, factors]), lowering.scalar("f32", 1), lowering.scalar("u8", output.zero)],
    {},
    `${name}_u8`,
  );
}

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
  readonly loops: ConvolutionLoops;
  readonly layer: IntegerLayer;
  readonly output: Quantisation;
}

/** One `dot`; output committed channels-last. */
function emitConvolution({ lowering, node, tensor, input, loops, layer, output }: Convolution): View {
  const { program } = lowering;
  const type = weightType(layer);
  const filter = program.addWeight(`${node.name}/filter`, type, loops.reversed(layer.values));
  const bias = program.addWeight(`${node.name}/bias`, "i32", layer.biases);
  const requantisation = requantisationScales(input.quantisation.scale, layer.scales, output.scale);
  const scale = program.addWeight(`${node.name}/scale`, "f32", requantisation);

  const expression = new Expression();
  const sum = expression.apply("iadd", expression.acc(), expression.load(2));
  expression.requantise(sum, expression.load(3), output.zero);
  const index = program.add(
    node.name,
    { tensor, shape: loops.logical, permutation: loops.order },
    {
      accumulate: "dot",
      outDtype: "u8",
      outDims: loops.outDims,
      reduceDims: loops.reduceDims,
      aZero: input.quantisation.zero,
      bZero: layer.zero,
      operands: [
        loops.image(input.view),
        loops.filter(filter, type),
        loops.perChannel(bias, "i32"),
        loops.perChannel(scale, "f32"),
      ],
      expression: expression.operations,
    },
  );
  return convolutionView(loops, index, "u8");
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
