import type { HostTensor } from "../../onnx/tensor.ts";
import { Elementwise } from "../elementwise.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { roundTiesToEven } from "../quantisation.ts";
import type { ExactValue, QuantisedValue } from "../values.ts";
import { freshDims, product, type View } from "../view.ts";
import { weightType } from "../weights.ts";
import { PLANE_ZERO } from "./bytePlanes.ts";
import type { ConvolutionLoops } from "./convolutionLoops.ts";
import type { WideLayer } from "./wideWeights.ts";
import { emitWindows, type Windows, windowMatrix } from "./windows.ts";

export interface PlaneConvolution {
  readonly lowering: Lowering;
  /** What it is, for people. */
  readonly name: string;
  /** The source value that it computes. */
  readonly output: string;
  readonly loops: ConvolutionLoops;
  readonly windows: Windows;
  /** The image, channels-last, in u8 planes. */
  readonly planes: readonly QuantisedValue[];
  readonly weights: WideLayer["planes"];
  /** What a step of the weights is worth, per channel. */
  readonly weightScales: Float32Array;
  /** In real numbers. */
  readonly biases: Float64Array;
  readonly relu: boolean;
}

/** The longest row whose products of bytes are sure to add up within int32. */
export const LONGEST_ROW = 2 ** 15 - 1;

/**
 * A convolution of a wide activation: each plane's windows times each plane of weights, scaled to real numbers at once (com.microsoft's MatMulIntegerToFloat,
 * without its bias: f32(f32(sum) * f32(scale * scale))), then added up in f32, the smallest first, and the bias.
 */
export function emitPlaneConvolution(parameters: PlaneConvolution): void {
  const { lowering, name, output, loops, planes, weights, biases, relu } = parameters;
  const [batch = 1, channels = 1, ...places] = loops.logical;
  const dims = [batch, ...places, channels];
  const products = planes.flatMap((plane, level) => {
    // What a third plane holds is 2^-16 of the value: 7 bits of the weights are enough, which have the faster kernel.
    const filters = level === 2 ? weights.map((filter) => coarseFilter(filter, channels)) : weights;
    return filters.map((filter) => emitProduct(parameters, plane, filter));
  });
  const kernel = new Elementwise(lowering, name, dims);
  let sum = products
    .reverse()
    .map((value) => kernel.load(value))
    .reduce((a, b) => kernel.add(a, b));
  if (biases.some((bias) => bias !== 0)) {
    const bias: HostTensor = { type: "f32", dims: [channels], data: Float32Array.from(biases) };
    sum = kernel.add(sum, kernel.constant(bias, `${name}/bias`));
  }
  const value = kernel.store(relu ? kernel.max(sum, kernel.float(0)) : sum, name, "row-major");
  lowering.setPlain(output, channelsSecond(lowering, value, output));
}

type Filter = WideLayer["planes"][number] & {
  /** What its steps are worth in those of the layer's weights, per channel, if not 1. */
  readonly factors?: Float32Array;
};

/** The largest magnitude of weights that every u8 x i8 kernel multiplies exactly. */
const SEVEN_BITS = 64;

/** Weights rounded to 7 bits, each channel in its own steps. */
function coarseFilter({ values, zero, weight }: Filter, channels: number): Filter {
  const length = values.length / channels;
  const coarse = new Int8Array(values.length);
  const factors = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const own = Float64Array.from(values.subarray(channel * length, (channel + 1) * length), (w) => w - zero);
    const factor = Math.max(1, ...own.map(Math.abs)) / SEVEN_BITS;
    factors[channel] = factor;
    coarse.set(
      own.map((value) => roundTiesToEven(value / factor)),
      channel * length,
    );
  }
  return { values: coarse, zero: 0, weight, factors };
}

function emitProduct(
  { lowering, name, loops, windows, weightScales }: PlaneConvolution,
  plane: QuantisedValue,
  filter: Filter,
): ExactValue {
  const { scale } = plane.quantisation;
  const [batch = 1, channels = 1, ...places] = loops.logical;
  const inputs = plane.dims.at(-1) as number;
  const type = weightType(filter);
  const scales = weightScales.map((own, channel) => own * filter.weight * (filter.factors?.[channel] ?? 1));
  const matrix = windowMatrix(filter.values, channels, inputs, windows, filter.zero);
  const rows = emitWindows(lowering, plane.tensor, batch, windows);
  const made = lowering.emit("com.microsoft.MatMulIntegerToFloat", [
    rows,
    lowering.initializer(`${name}_matrix`, { type, dims: [windows.length, channels], data: matrix }),
    lowering.scalar("f32", scale),
    lowering.initializer(`${name}_scale`, { type: "f32", dims: [channels], data: scales }),
    lowering.scalar("u8", PLANE_ZERO),
    lowering.scalar(type, filter.zero),
  ]);

  const { program } = lowering;
  const weight = program.addWeight(`${name}/filter`, type, loops.reversed(filter.values));
  const factors = scales.map((own) => Math.fround(scale * own));
  const factor = program.addWeight(`${name}/scale`, "f32", factors);
  const expression = new Expression();
  expression.apply("fmul", expression.apply("tofloat", expression.acc()), expression.load(2));
  const role = `${name}: dot of ${scale}`;
  const shape = [batch, windows.count, channels];
  const index = program.add(
    role,
    { tensor: made, shape, permutation: [0, 1, 2] },
    {
      accumulate: "dot",
      outDtype: "f32",
      outDims: loops.outDims,
      reduceDims: loops.reduceDims,
      aZero: PLANE_ZERO,
      bZero: filter.zero,
      operands: [
        loops.image(moved(plane.view, (axes) => [axes[0], axes.at(-1), ...axes.slice(1, -1)])),
        loops.filter(weight, type),
        loops.perChannel(factor, "f32"),
      ],
      expression: expression.operations,
    },
  );
  const dims = [batch, ...places, channels];
  const largest = factors.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const most = Math.fround(Math.fround(255 * 255 * windows.length) * largest);
  return {
    tensor: lowering.emit("Reshape", [
      made,
      lowering.initializer("shape", {
        type: "i64",
        dims: [dims.length],
        data: BigInt64Array.from(dims, BigInt),
      }),
    ]),
    dims,
    type: "f32",
    view: {
      space: "trace",
      index,
      dtype: "f32",
      elements: product(dims),
      offset: 0,
      dims: freshDims(dims.map((size) => [size])),
    },
    range: { min: -most, max: most },
  };
}

type Axes = View["dims"][number];

function moved(view: View, order: (dims: readonly Axes[]) => readonly (Axes | undefined)[]): View {
  return { ...view, dims: order(view.dims).map((axes) => axes ?? []) };
}

/** An image [N, C, spatial...] as [N, spatial..., C]. */
export function channelsLast<Value extends ExactValue>(lowering: Lowering, value: Value): Value {
  const [batch = 1, channels = 1, ...places] = value.dims;
  const perm = [0, ...places.map((_, k) => k + 2), 1];
  return {
    ...value,
    tensor: lowering.emit("Transpose", [value.tensor], { perm }),
    dims: [batch, ...places, channels],
    view: moved(value.view, ([n, c, ...rest]) => [n, ...rest, c]),
  };
}

/** An image [N, spatial..., C] as [N, C, spatial...]. */
function channelsSecond(lowering: Lowering, value: ExactValue, name: string): ExactValue {
  const rank = value.dims.length;
  const perm = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, k) => k + 1)];
  return {
    ...value,
    tensor: lowering.emit("Transpose", [value.tensor], { perm }, name),
    dims: perm.map((axis) => value.dims[axis] as number),
    view: moved(value.view, (dims) => perm.map((axis) => dims[axis])),
  };
}
