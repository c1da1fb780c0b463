import { type GraphNode, intAttribute, intsAttribute, stringAttribute } from "../../../onnx/graph.ts";
import { i64Tensor } from "../../../onnx/tensor.ts";
import { product } from "../../view.ts";
import type { Rewrite, RewriteContext } from "../rewrite.ts";

/** One spatial dimension of a transposed convolution. */
interface Dimension {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** How much of the whole result is cut off in front. */
  readonly cut: number;
  /** Filter taps that meet one output: one in every `stride`. */
  readonly taps: number;
  /** Positions of the convolution to the left of the first whole output group, and how many are computed. */
  readonly first: number;
  readonly positions: number;
}

/**
 * ConvTranspose as a convolution and a change of places ("sub-pixel convolution", Shi et al. 2016): outputs that lie `stride` apart see the same taps of
 * the filter, so each of the stride^n phases is an ordinary convolution; all are computed as channels of one, then interleaved.
 *
 * With whole output u = q * stride + r and filter tap k = (q - i) * stride + r: u[q, r] = sum over t of x[q - t] * w[t * stride + r].
 */
export const convTranspose: Rewrite = (node, context) => {
  const [x = "", w = "", b = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const [batch = 1, ...inputs] = withoutChannels(context.typeOf(x).dims);
  const [, ...outputs] = withoutChannels(context.typeOf(y).dims);
  const { dims: filterDims } = context.typeOf(w);
  const [channels = 1, perGroup = 1, ...kernel] = filterDims;
  const groups = intAttribute(node, "group", 1);
  if (filterDims.length !== inputs.length + 2 || channels % groups !== 0)
    throw context.unsupported(`its filter [${filterDims}] does not fit its input`);
  const dimensions = kernel.map((size, k) =>
    dimension(node, k, inputs[k] as number, outputs[k] as number, size),
  );
  const phases = dimensions.map(({ stride }) => stride);
  const shape = (sizes: readonly number[]) => context.addConstant("shape", i64Tensor(sizes));

  const filter = phaseFilters(context, w, { channels, perGroup, groups, dimensions });
  const inputsOfConv = [x, filter];
  if (b !== "") {
    // One bias for all phases of a channel.
    const column = context.node("Reshape", [b, shape([groups * perGroup, 1])]);
    const repeated = context.node("Expand", [column, shape([groups * perGroup, product(phases)])]);
    inputsOfConv.push(context.node("Reshape", [repeated, shape([-1])]));
  }
  const pads = dimensions.map(({ taps, first }) => taps - 1 - first);
  const ends = dimensions.map(({ input, taps, positions }, k) =>
    Math.max(0, positions + taps - 1 - input - (pads[k] as number)),
  );
  // As many positions as the convolution gives, maybe more than are needed.
  const positions = dimensions.map(
    ({ input, taps }, k) => input + (pads[k] as number) + (ends[k] as number) - taps + 1,
  );
  const convolved = context.node("Conv", inputsOfConv, {
    group: groups,
    kernel_shape: dimensions.map(({ taps }) => taps),
    pads: [...pads, ...ends],
  });
  // [batch, channels, phases..., positions...] to [batch, channels, (position, phase)...].
  const rank = dimensions.length;
  const split = context.node("Reshape", [
    convolved,
    shape([batch, groups * perGroup, ...phases, ...positions]),
  ]);
  const perm = [0, 1, ...dimensions.flatMap((_, k) => [2 + rank + k, 2 + k])];
  const interleaved = context.node("Transpose", [split], { perm });
  const whole = dimensions.map(({ stride }, k) => (positions[k] as number) * stride);
  const merged = shape([batch, groups * perGroup, ...whole]);
  const starts = dimensions.map(({ first, stride, cut }) => cut - first * stride);
  const isWhole = whole.every((size, k) => size === outputs[k]) && starts.every((start) => start === 0);
  if (isWhole) {
    context.nodeTo([y], "Reshape", [interleaved, merged]);
    return true;
  }
  const all = context.node("Reshape", [interleaved, merged]);
  context.nodeTo([y], "Slice", [
    all,
    context.addConstant("starts", i64Tensor(starts)),
    context.addConstant("ends", i64Tensor(starts.map((start, k) => start + (outputs[k] as number)))),
    context.addConstant("axes", i64Tensor(dimensions.map((_, k) => k + 2))),
  ]);
  return true;
};

function withoutChannels(dims: readonly number[]): number[] {
  return dims.filter((_, axis) => axis !== 1);
}

function dimension(node: GraphNode, k: number, input: number, output: number, kernel: number): Dimension {
  const stride = intsAttribute(node, "strides")?.[k] ?? 1;
  const dilation = intsAttribute(node, "dilations")?.[k] ?? 1;
  const extra = intsAttribute(node, "output_padding")?.[k] ?? 0;
  const pads = intsAttribute(node, "pads");
  const reach = (kernel - 1) * dilation + 1;
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  let cut = 0;
  const total = Math.max(0, (input - 1) * stride + extra + reach - output);
  // The specification shares what is too much between the two ends; the odd one goes to the end for SAME_UPPER alone.
  if (autoPad === "SAME_UPPER") cut = Math.floor(total / 2);
  else if (autoPad === "SAME_LOWER") cut = Math.ceil(total / 2);
  else if (autoPad === "NOTSET" && intsAttribute(node, "output_shape")) cut = Math.floor(total / 2);
  else if (autoPad === "NOTSET") cut = pads?.[k] ?? 0;
  const taps = Math.ceil(reach / stride);
  const first = Math.min(taps - 1, Math.floor(cut / stride));
  const positions = Math.ceil((cut + output) / stride) - first;
  return { input, output, kernel, stride, dilation, cut, taps, first, positions };
}

interface Filters {
  readonly channels: number;
  readonly perGroup: number;
  readonly groups: number;
  readonly dimensions: readonly Dimension[];
}

/** From [C, M/g, kernel...] to an ordinary filter [M * phases, C/g, taps...], taps reversed. Folds to a constant where the filter is one. */
function phaseFilters(
  context: RewriteContext,
  w: string,
  { channels, perGroup, groups, dimensions }: Filters,
): string {
  const ints = (values: readonly number[]) => context.addConstant("ints", i64Tensor(values));
  const reshape = (value: string, sizes: readonly number[]) => context.node("Reshape", [value, ints(sizes)]);
  const rank = dimensions.length;
  const axes = dimensions.map((_, k) => k);
  let filter = w;
  let sizes = dimensions.map(({ kernel }) => kernel);
  if (dimensions.some(({ dilation }) => dilation > 1)) {
    // Zeros between the taps.
    const apart = reshape(filter, [channels, perGroup, ...sizes.flatMap((size) => [size, 1])]);
    const gaps = dimensions.flatMap(({ dilation }) => [0, dilation - 1]);
    const padded = context.node("Pad", [
      apart,
      ints([...new Array<number>(2 + 2 * rank).fill(0), 0, 0, ...gaps]),
    ]);
    sizes = dimensions.map(({ kernel, dilation }) => kernel * dilation);
    filter = reshape(padded, [channels, perGroup, ...sizes]);
  }
  const ends = dimensions.map(({ taps, stride }, k) => taps * stride - (sizes[k] as number));
  if (ends.some((end) => end !== 0))
    filter = context.node("Pad", [filter, ints([...new Array<number>(2 + rank).fill(0), 0, 0, ...ends])]);
  const cut = dimensions.flatMap(({ taps, stride }) => [taps, stride]);
  const split = reshape(filter, [groups, channels / groups, perGroup, ...cut]);
  const reversed = context.node("Slice", [
    split,
    ints(axes.map(() => -1)),
    ints(axes.map(() => -(2 ** 31))),
    ints(axes.map((k) => 3 + 2 * k)),
    ints(axes.map(() => -1)),
  ]);
  const perm = [0, 2, ...axes.map((k) => 4 + 2 * k), 1, ...axes.map((k) => 3 + 2 * k)];
  const ordered = context.node("Transpose", [reversed], { perm });
  const phases = product(dimensions.map(({ stride }) => stride));
  return reshape(ordered, [
    groups * perGroup * phases,
    channels / groups,
    ...dimensions.map(({ taps }) => taps),
  ]);
}
