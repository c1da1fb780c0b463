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
  meanSquare,
  type Plane,
  type WideActivation,
  type WideRange,
  wideActivation,
  wideRange,
  wideScale,
} from "./wideActivation.ts";
import { emitSum, type PartialDot } from "./wideSum.ts";
import { balancedLayer, finestLayer, givenLayer, type RealLayer, type WideLayer } from "./wideWeights.ts";
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
 * A convolution on rung 2 or 3. In the program: a `dot` per pair of planes, and one instruction that adds them up. In the exact graph: one f32 Conv where
 * no sum leaves 2^24, else a ConvInteger per pair.
 */
export function emitWideConvolution(parameters: WideConvolution): void {
  const { lowering, node, rung, layer: real, followers, loops } = parameters;
  const name = node.inputs[0] ?? "";
  const range = wideRange(lowering, name);
  const given = rung === 3 ? givenWeights(lowering, node.inputs[1], 0) : undefined;
  const layer =
    (given && givenLayer(real, given, followers.scale, range)) ??
    (rung === 2
      ? balancedLayer(real, range, meanSquare(lowering.statistics(name)))
      : finestLayer(real, range));
  const isFloat = layer.bound < F32_EXACT;
  if (!isFloat && emitInPlanes(parameters, layer, range)) return;
  const activation = wideActivation(lowering, name, {
    most: layer.most,
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
    sum: isFloat ? floatConvolution(parameters, activation, layer) : undefined,
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
  const activationScale = wideScale(range, layer.most);
  emitPlaneConvolution({
    lowering,
    name: node.name,
    output: followers.output,
    loops,
    windows,
    planes,
    weights: layer.planes,
    weightScales: layer.scales.map((scale) => scale / activationScale),
    biases: real.biases,
    relu: followers.relu,
  });
  return true;
}

/** The sums, bias included, in the exact graph. The bias also makes -0 impossible: -0 + 0 is 0. */
function floatConvolution(
  { lowering, node, window, groups, filterDims }: WideConvolution,
  activation: WideActivation,
  layer: WideLayer,
): string {
  const filter = lowering.initializer(`${node.name}_filter`, {
    type: "f32",
    dims: filterDims,
    data: Float32Array.from(layer.weights),
  });
  const bias = lowering.initializer(`${node.name}_bias`, {
    type: "f32",
    dims: [layer.biases.length],
    data: Float32Array.from(layer.biases),
  });
  const attributes = { ...windowAttributes(window), group: groups };
  return lowering.emit("Conv", [activation.tensor, filter, bias], attributes, `${node.name}_sum`);
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
