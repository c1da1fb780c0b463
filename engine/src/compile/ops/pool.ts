import { type GraphNode, intAttribute, intsAttribute } from "../../onnx/graph.ts";
import type { Dtype } from "../../program/instruction.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import type { OperandDraft } from "../programBuilder.ts";
import type { Quantisation } from "../quantisation.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { ExactValue, QuantisedValue } from "../values.ts";
import { freshDims, product, type View, wholeView } from "../view.ts";
import {
  checkWindow,
  hasEmptyPosition,
  imageAxes,
  mapWindow,
  readWindow,
  type Window,
  windowAttributes,
  windowBounds,
} from "../window.ts";
import { imageOf, requantisationScales } from "./conv.ts";
import { defineMoved } from "./move.ts";
import { emitTotal } from "./reduce.ts";

function checkPool(node: GraphNode): string | undefined {
  const kernel = intsAttribute(node, "kernel_shape");
  if (!kernel) return "it has no kernel_shape";
  if (kernel.length > 2) return `its kernel has ${kernel.length} dimensions; one and two are supported`;
  return checkWindow(node);
}

/** Ops that read u8: for them a picture is rounded before it is pooled, while it is at hand channels-last. */
const CONVOLUTIONS = new Set(["Conv", "ConvTranspose"]);

/** MaxPool: on the integers themselves, whose quantisation stays, or on floats. */
export const maxPool: Rule = {
  check(node, graph) {
    if (node.outputs[1]) return "its Indices output is not supported";
    return checkOperands(node, graph, []) ?? checkPool(node);
  },

  lower(node, lowering) {
    const [input = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const window = poolWindow(node, lowering, lowering.dims(input));
    if (hasEmptyPosition(window)) throw lowering.unsupported(node, "a window lies wholly in the padding");
    const isRead = lowering.consumers(output).some(({ op }) => CONVOLUTIONS.has(op));
    if (isRead && lowering.statistics(input).type === "f32") imageOf(lowering, input, node);
    defineMoved(node, lowering, (value) => {
      const image = imageAxes(value.view) ? value : lowering.copy(input, value);
      const attributes = windowAttributes(window);
      const pooled = lowering.emit("MaxPool", [image.tensor], attributes, output);
      // Processors disagree on the sign of max(-0, +0).
      const tensor =
        value.type === "f32" ? lowering.emit("Add", [pooled, lowering.scalar("f32", 0)]) : pooled;
      const expression = new Expression();
      expression.acc();
      const parts = { tensor, input: image, window, expression, constants: [] };
      const view = emitPool({ ...parts, node, lowering, accumulate: "max", outDtype: image.view.dtype });
      return { ...value, tensor, dims: lowering.dims(output), view };
    });
  },
};

/** AveragePool as a sum: depthwise QLinearConv of ones, or a per-position factor where windows differ in size. */
export const averagePool: Rule = {
  check(node, graph) {
    return checkOperands(node, graph, []) ?? checkPool(node);
  },

  lower(node, lowering) {
    const input = imageOf(lowering, node.inputs[0] ?? "", node);
    const window = poolWindow(node, lowering, input.dims);
    const isPadded = [...window.padsBegin, ...window.padsEnd].some((pad) => pad > 0);
    const includesPads = intAttribute(node, "count_include_pad", 0) !== 0;
    if (includesPads && intAttribute(node, "ceil_mode", 0) !== 0) {
      const declared = intsAttribute(node, "pads") ?? window.kernel.flatMap(() => [0, 0]);
      const beyond = window.padsEnd.some((pad, k) => pad > (declared[window.kernel.length + k] as number));
      if (beyond)
        throw lowering.unsupported(node, "ceil_mode with count_include_pad reaches past the padding");
    }
    if (!includesPads && hasEmptyPosition(window))
      throw lowering.unsupported(node, "a window lies wholly in the padding");
    if (isPadded && !includesPads) emitUnevenAverage(node, lowering, input, window);
    else emitEvenAverage(node, lowering, input, window);
  },
};

/** GlobalAveragePool: an AveragePool whose window is the image; a mean where only floats are at hand. */
export const globalAveragePool: Rule = {
  check(node, graph) {
    return checkOperands(node, graph, []);
  },

  lower(node, lowering) {
    const [name = ""] = node.inputs;
    // What squeeze-and-excitation multiplies by is too sensitive to be averaged as bytes.
    if (!lowering.known(name).quantised) {
      const axes = lowering.dims(name).map((_, axis) => axis);
      emitTotal(node, lowering, axes.slice(2), true, true);
      return;
    }
    const input = imageOf(lowering, name, node);
    const size = input.dims.slice(2);
    if (size.length > 2) throw lowering.unsupported(node, `its input has the shape [${input.dims}]`);
    const zeros = size.map(() => 0);
    const ones = size.map(() => 1);
    const window = {
      kernel: size,
      strides: ones,
      dilations: ones,
      padsBegin: zeros,
      padsEnd: zeros,
      input: size,
      output: ones,
    };
    emitEvenAverage(node, lowering, input, window);
  },
};

function poolWindow(node: GraphNode, lowering: Lowering, dims: readonly number[]): Window {
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  if (kernel.length !== dims.length - 2)
    throw lowering.unsupported(node, `its input has the shape [${dims}]`);
  return readWindow(node, kernel, dims.slice(2), lowering.dims(node.outputs[0] ?? "").slice(2));
}

/** Every window divides by the same number. */
function emitEvenAverage(node: GraphNode, lowering: Lowering, input: QuantisedValue, window: Window): void {
  const name = node.outputs[0] ?? "";
  const quantisation = lowering.quantisationOf(name);
  const channels = input.dims[1] as number;
  const share = Math.fround(1 / product(window.kernel));
  const ones = new Int8Array(channels * product(window.kernel)).fill(1);
  const tensor = lowering.freshName(`${name}_u8`);
  lowering.exact.node(
    "QLinearConv",
    [
      input.tensor,
      lowering.scalar("f32", input.quantisation.scale),
      lowering.scalar("u8", input.quantisation.zero),
      lowering.initializer("ones", { type: "i8", dims: [channels, 1, ...window.kernel], data: ones }),
      lowering.scalar("f32", share),
      lowering.scalar("i8", 0),
      lowering.scalar("f32", quantisation.scale),
      lowering.scalar("u8", quantisation.zero),
    ],
    [tensor],
    { ...windowAttributes(window), group: channels },
    node.name,
  );
  const [scale] = requantisationScales(input.quantisation.scale, Float32Array.of(share), quantisation.scale);
  const expression = new Expression();
  expression.requantise(expression.acc(), expression.float(scale as number), quantisation.zero);
  record(node, lowering, { tensor, input, window, expression, constants: [] }, quantisation);
}

/** Windows at the border hold fewer elements: the sum is multiplied by a constant per position. */
function emitUnevenAverage(node: GraphNode, lowering: Lowering, input: QuantisedValue, window: Window): void {
  const name = node.outputs[0] ?? "";
  const quantisation = lowering.quantisationOf(name);
  const channels = input.dims[1] as number;
  const factor = Math.fround(input.quantisation.scale / quantisation.scale);
  const counts = windowCounts(window);
  const factors = Float32Array.from(counts, (count) => factor / count);
  const ones = new Uint8Array(channels * product(window.kernel)).fill(1);
  const [sum, real, scaled, tensor] = ["sum", "real", "scaled", "u8"].map((role) =>
    lowering.freshName(`${name}_${role}`),
  ) as [string, string, string, string];
  const { exact } = lowering;
  const kernel = lowering.initializer("ones", {
    type: "u8",
    dims: [channels, 1, ...window.kernel],
    data: ones,
  });
  const inputs = [input.tensor, kernel, lowering.scalar("u8", input.quantisation.zero)];
  exact.node("ConvInteger", inputs, [sum], { ...windowAttributes(window), group: channels }, node.name);
  exact.node("Cast", [sum], [real], { to: 1 });
  const table = lowering.initializer(`${node.name}_share`, {
    type: "f32",
    dims: [1, 1, ...window.output],
    data: factors,
  });
  exact.node("Mul", [real, table], [scaled]);
  exact.node(
    "QuantizeLinear",
    [scaled, lowering.scalar("f32", 1), lowering.scalar("u8", quantisation.zero)],
    [tensor],
  );
  const weight = lowering.program.addWeight(`${node.name}/share`, "f32", factors);
  const expression = new Expression();
  expression.requantise(expression.acc(), expression.load(1), quantisation.zero);
  const constants = [wholeView("weight", weight, "f32", window.output)];
  record(node, lowering, { tensor, input, window, expression, constants }, quantisation);
}

/** How many elements of the image each window covers. */
function windowCounts(window: Window): number[] {
  let counts = [1];
  window.kernel.forEach((size, k) => {
    const along = Array.from({ length: window.output[k] as number }, (_, position) => {
      const start = position * (window.strides[k] as number) - (window.padsBegin[k] as number);
      const taps = Array.from({ length: size }, (_, tap) => start + tap * (window.dilations[k] as number));
      return taps.filter((tap) => tap >= 0 && tap < (window.input[k] as number)).length;
    });
    counts = counts.flatMap((count) => along.map((more) => count * more));
  });
  return counts;
}

interface Pool<Input extends ExactValue> {
  readonly tensor: string;
  readonly input: Input;
  readonly window: Window;
  readonly expression: Expression;
  /** Constants over the output's spatial dimensions. */
  readonly constants: readonly View[];
}

function record(
  node: GraphNode,
  lowering: Lowering,
  pool: Pool<QuantisedValue>,
  quantisation: Quantisation,
): void {
  const name = node.outputs[0] ?? "";
  const zero = pool.input.quantisation.zero;
  const view = emitPool({ ...pool, node, lowering, accumulate: "sum", outDtype: "u8", zero });
  lowering.setQuantised(name, {
    tensor: pool.tensor,
    dims: lowering.dims(name),
    view,
    type: "u8",
    quantisation,
  });
}

interface PoolInstruction extends Pool<ExactValue> {
  readonly node: GraphNode;
  readonly lowering: Lowering;
  readonly accumulate: "max" | "sum";
  readonly outDtype: Dtype;
  /** What is subtracted from each element of a sum. */
  readonly zero?: number;
}

/** One reduction over the window; output committed channels-last. */
function emitPool(pool: PoolInstruction): View {
  const { node, lowering, tensor, input, window, accumulate, expression, constants, outDtype } = pool;
  const axes = imageAxes(input.view);
  if (!axes) throw lowering.unsupported(node, "its input is not laid out as an image");
  const map = mapWindow(window, axes.spatial);
  const [batch, channels] = input.dims as [number, number];
  const outDims = [batch, ...window.output, channels];
  const { space, index, dtype, elements, offset } = input.view;
  const operands: OperandDraft[] = [
    {
      space,
      index,
      dtype,
      elements,
      offset: offset + map.offset,
      out: [axes.batch.stride, ...map.out, axes.channel.stride],
      reduce: map.kernel,
      bounds: windowBounds(window, map, outDims.length, 1, window.kernel.length),
    },
    ...constants.map(({ bounds: _, ...view }): OperandDraft => {
      const strides = view.dims.map((dim) => dim[0]?.stride ?? 0);
      return { ...view, out: [0, ...strides, 0], reduce: window.kernel.map(() => 0) };
    }),
  ];
  const logical = [batch, channels, ...window.output];
  const order = [0, ...window.output.map((_, k) => k + 2), 1];
  const number = lowering.program.add(
    node.name,
    { tensor, shape: logical, permutation: order },
    {
      accumulate,
      outDtype,
      outDims,
      reduceDims: window.kernel,
      aZero: pool.zero ?? 0,
      operands: operands.map(({ space, index, dtype, elements, offset, out, reduce, bounds }) => ({
        space,
        index,
        dtype,
        elements,
        offset,
        out,
        reduce,
        bounds: bounds ?? [],
      })),
      expression: expression.operations,
    },
  );
  const dims = freshDims(
    logical.map((size) => [size]),
    order,
  );
  return { space: "trace", index: number, dtype: outDtype, elements: product(logical), offset: 0, dims };
}
