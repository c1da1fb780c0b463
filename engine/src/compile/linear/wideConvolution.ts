import type { GraphNode } from "../../onnx/graph.ts";
import type { Absorbed } from "../absorb.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { mapInstruction } from "../mapInstruction.ts";
import type { View } from "../view.ts";
import { givenWeights, weightType } from "../weights.ts";
import { imageAxes, type Window, windowAttributes } from "../window.ts";
import { bytePlanes, unitOfPlanes } from "./bytePlanes.ts";
import { type ConvolutionLoops, convolutionView } from "./convolutionLoops.ts";
import { channelsLast, emitPlaneConvolution, LONGEST_ROW } from "./planeConvolution.ts";
import { F32_EXACT, type Rung } from "./rung.ts";
import {
  binaryScale,
  meanSquare,
  type Plane,
  type WideActivation,
  type WideRange,
  wideActivation,
  wideRange,
} from "./wideActivation.ts";
import { emitSum, type PartialDot, type WideSum } from "./wideSum.ts";
import {
  balancedLayer,
  finestLayer,
  givenLayer,
  type RealLayer,
  twiceBalancedLayer,
  type WideLayer,
} from "./wideWeights.ts";
import { findWindows } from "./windows.ts";

interface WideConvolution {
  readonly lowering: Lowering;
  readonly node: GraphNode;
  readonly rung: Rung;
  readonly layer: RealLayer;
  readonly window: Window;
  readonly loops: ConvolutionLoops;
  readonly groups: number;
  readonly filterDims: readonly number[];
  readonly followers: Absorbed;
}

/**
 * A convolution on rung 2 or above. In the program: a `dot` per pair of planes, and one instruction that adds them up. In the exact graph: one f32 Conv, or one
 * for each plane of weights, where no sum leaves 2^24, else a ConvInteger per pair.
 */
export function emitWideConvolution(parameters: WideConvolution): void {
  const { lowering, node, rung, layer: real, followers, loops } = parameters;
  const name = node.inputs[0] ?? "";
  const range = wideRange(lowering, name);
  const given = rung === 4 ? givenWeights(lowering, node.inputs[1], 0) : undefined;
  const layer =
    (given && givenLayer(real, given, followers.scale, range)) ??
    narrowLayer(rung, real, range, meanSquare(lowering.statistics(name))) ??
    finestLayer(real, range);
  const isFloat = layer.bound < F32_EXACT;
  if (!isFloat && emitInPlanes(parameters, layer, range)) return;
  const activation = wideActivation(lowering, name, {
    most: layer.most,
    scale: layer.step,
    inPlanes: !isFloat,
    layout: "channels-last",
  });
  const dots = activation.planes.flatMap((plane) =>
    layer.planes.map((weights) => emitDot(parameters, plane, weights, isFloat)),
  );
  const perChannel = [layer.biases.length, ...loops.logical.slice(2).map(() => 1)];
  const value = emitSum({
    lowering,
    name: node.name,
    output: followers.output,
    dims: loops.logical,
    dots,
    ...(isFloat ? floatSum(parameters, activation, layer) : {}),
    biases: { type: "i32", dims: perChannel, data: layer.biases },
    scales: { type: "f32", dims: perChannel, data: layer.scales },
    relu: followers.relu,
    layout: "channels-last",
  });
  lowering.setPlain(followers.output, value);
}

/** As products of the image's windows, where these are worth putting together. */
function emitInPlanes(
  { lowering, node, layer: real, window, loops, groups, filterDims, followers }: WideConvolution,
  layer: WideLayer,
  range: WideRange,
): boolean {
  const name = node.inputs[0] ?? "";
  const windows = findWindows(window, filterDims[1] as number);
  if (groups > 1 || range.fixed || !windows || windows.length > LONGEST_ROW) return false;
  const value = lowering.plain(name);
  const image = value.view.bounds?.length ? lowering.copy(name, value) : value;
  const count = layer.most > 65535 ? 3 : 2;
  const unit = unitOfPlanes(range.reach * 2, count);
  const planes = lowering.once(`planes ${name} ${count}`, () =>
    bytePlanes(lowering, name, channelsLast(lowering, image), unit, count),
  );
  emitPlaneConvolution({
    lowering,
    name: node.name,
    output: followers.output,
    loops,
    windows,
    planes,
    weights: layer.planes,
    weightScales: layer.scales.map((scale) => scale / layer.step),
    biases: real.biases,
    relu: followers.relu,
  });
  return true;
}

/** The integers of rungs whose sums f32 holds; undefined where it cannot. */
function narrowLayer(rung: Rung, real: RealLayer, range: WideRange, square: number): WideLayer | undefined {
  if (rung === 2) return balancedLayer(real, range, square, binaryScale);
  return rung === 3 ? twiceBalancedLayer(real, range, square) : undefined;
}

/**
 * The sums, bias included, in the exact graph; as real numbers where a step of them is a power of two, which filters and biases then hold. The bias also
 * makes -0 impossible: -0 + 0 is 0. Two of them are added and rounded once, as their sum in integers is.
 */
function floatSum(
  { lowering, node, window, groups, filterDims }: WideConvolution,
  activation: WideActivation,
  layer: WideLayer,
): Pick<WideSum, "sum" | "isScaled"> {
  const isScaled = layer.scales.every((scale) => 2 ** Math.round(Math.log2(scale)) === scale);
  const length = layer.weights.length / layer.biases.length;
  const attributes = { ...windowAttributes(window), group: groups };
  const convolve = (weights: ArrayLike<number>, biases: Int32Array, weight: number) => {
    const unit = (channel: number) => (isScaled ? weight * (layer.scales[channel] as number) : weight);
    const filter = lowering.initializer(`${node.name}_filter`, {
      type: "f32",
      dims: filterDims,
      data: Float32Array.from(weights, (value, k) => value * unit(Math.floor(k / length))),
    });
    const bias = lowering.initializer(`${node.name}_bias`, {
      type: "f32",
      dims: [layer.biases.length],
      data: Float32Array.from(biases, (value, channel) => value * unit(channel)),
    });
    return lowering.emit("Conv", [activation.tensor, filter, bias], attributes, `${node.name}_sum`);
  };
  const sums = layer.planeBiases?.map((biases, k) => {
    const { values, weight } = layer.planes[k] as WideLayer["planes"][number];
    return convolve(values, biases, weight);
  }) ?? [convolve(layer.weights, layer.biases, 1)];
  return { sum: sums.reduce((a, b) => lowering.emit("Add", [a, b])), isScaled };
}

function emitDot(
  { lowering, node, window, loops, groups, filterDims }: WideConvolution,
  plane: Plane,
  weights: WideLayer["planes"][number],
  isFloat: boolean,
): PartialDot {
  const { program } = lowering;
  const role = `${node.name}: dot ${plane.weight}x${weights.weight}`;
  const view = imageView(lowering, plane.view, role);
  const type = weightType(weights);
  let tensor: string | undefined;
  if (!isFloat) {
    const filter = lowering.initializer(`${node.name}_filter`, {
      type,
      dims: filterDims,
      data: weights.values,
    });
    const zeros = [lowering.scalar("u8", plane.zero), lowering.scalar(type, weights.zero)];
    const attributes = { ...windowAttributes(window), group: groups };
    tensor = lowering.emit(
      "ConvInteger",
      [plane.tensor ?? "", filter, ...zeros],
      attributes,
      `${node.name}_dot`,
    );
  }
  const expression = new Expression();
  expression.acc();
  const source = tensor === undefined ? null : { tensor, shape: loops.logical, permutation: loops.order };
  const filter = program.addWeight(`${node.name}/filter`, type, loops.reversed(weights.values));
  const index = program.add(role, source, {
    accumulate: "dot",
    outDtype: "i32",
    outDims: loops.outDims,
    reduceDims: loops.reduceDims,
    aZero: plane.zero,
    bZero: weights.zero,
    operands: [loops.image(view), loops.filter(filter, type)],
    expression: expression.operations,
  });
  return {
    tensor,
    view: convolutionView(loops, index, "i32"),
    weight: plane.weight * weights.weight,
  };
}

/** The plane as an image: copied where a dimension is not one axis. */
function imageView(lowering: Lowering, view: View, name: string): View {
  if (imageAxes(view)) return view;
  const expression = new Expression();
  expression.load(0);
  return mapInstruction(lowering.program, `${name}: copy`, null, "u8", [view], expression, "row-major");
}
