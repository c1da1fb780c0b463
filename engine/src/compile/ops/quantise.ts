import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { type HostTensor, i64Tensor, type TensorData } from "../../onnx/tensor.ts";
import { Elementwise, type Term } from "../elementwise.ts";
import type { Lowering } from "../lowering.ts";
import { parametersOf } from "../prepare/arrangeQuantisation.ts";
import { isConstant, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { product, reshapeView } from "../view.ts";
import { convInteger } from "./convInteger.ts";
import { dynamicQuantizeLinear } from "./dynamicQuantise.ts";
import { matMulInteger } from "./matMulInteger.ts";

/** int8 values are carried as uint8, this much higher. */
const SHIFT = 128;
const LIMITS = { u8: [0, 255], i8: [-128, 127] } as const;

/**
 * QuantizeLinear to u8 or i8: round(clamp(x / scale)) + zero. Where its parameters are constants the value behind it is often computed in
 * this quantisation at once (`preferGiven`), and nothing is left to do.
 */
const quantizeLinear: Rule = {
  check(node, graph) {
    return isConstant(graph, node.inputs[0])
      ? "its data input is a constant that could not be folded"
      : undefined;
  },

  lower(node, lowering) {
    const [input = "", , zeroName] = node.inputs;
    const output = node.outputs[0] ?? "";
    const type = lowering.statistics(output).type;
    if (type !== "u8" && type !== "i8")
      throw lowering.unsupported(node, `it gives ${type}; u8 and i8 are in the exact profile`);
    const parameters = parametersOf(node, lowering.graph);
    if (parameters?.type === "u8") {
      const { scale, zero } = parameters;
      const known = lowering.known(input).quantised?.();
      if (known && known.quantisation.scale === scale && known.quantisation.zero === zero) {
        const { tensor, dims, view } = known;
        lowering.setPlain(output, { tensor, dims, view, type: "u8" });
        return;
      }
      const kernel = new Elementwise(lowering, node.name, lowering.dims(output));
      lowering.setPlain(output, kernel.store(kernel.quantise(realOf(kernel, input), parameters), output));
      return;
    }
    const kernel = new Elementwise(lowering, node.name, lowering.dims(output));
    const x = realOf(kernel, input);
    const scale = parameter(node, lowering, kernel, 1);
    const zero = zeroName ? parameter(node, lowering, kernel, 2) : kernel.int(0, type);
    const isScalar = product(lowering.dims(node.inputs[1] ?? "")) === 1;
    const result =
      isScalar && type === "u8"
        ? kernel.quantiseBy(x, scale, zero)
        : stepByStep(kernel, kernel.div(x, scale), zero, type);
    lowering.setPlain(output, kernel.store(result, output));
  },
};

/** The formula in single operations, for scales and zero points that differ along an axis. */
function stepByStep(kernel: Elementwise, scaled: Term, zero: Term, type: "u8" | "i8"): Term {
  const [low, high] = LIMITS[type].map((limit) =>
    kernel.toFloat(kernel.integer("Sub", kernel.int(limit), zero)),
  ) as [Term, Term];
  const rounded = kernel.toInt32(kernel.round(kernel.min(kernel.max(scaled, low), high)));
  return kernel.castInt(kernel.integer("Add", rounded, zero), type);
}

/** DequantizeLinear: (q - zero) * scale. With constants for all elements it computes nothing: q is the value's u8 form. */
const dequantizeLinear: Rule = {
  check(node, graph) {
    return isConstant(graph, node.inputs[0])
      ? "its data input is a constant that could not be folded"
      : undefined;
  },

  lower(node, lowering) {
    const [input = "", , zeroName] = node.inputs;
    const output = node.outputs[0] ?? "";
    const { type } = lowering.statistics(input);
    if (type !== "u8" && type !== "i8" && type !== "i32")
      throw lowering.unsupported(node, `it reads ${type}; u8, i8 and i32 are in the exact profile`);
    const scale = lowering.constant(node.inputs[1]);
    const zero = lowering.constant(zeroName);
    const areConstants = scale?.data.length === 1 && (!zeroName || zero?.data.length === 1);
    if (areConstants && type !== "i32") {
      const shift = type === "i8" ? SHIFT : 0;
      const quantisation = {
        scale: scale.data[0] as number,
        zero: ((zero?.data[0] as number | undefined) ?? 0) + shift,
      };
      const asUint8 = () =>
        shift === 0 ? lowering.plain(input) : shifted(node, lowering, lowering.plain(input));
      lowering.setForms(output, { quantised: () => ({ ...asUint8(), quantisation }) });
      return;
    }
    const kernel = new Elementwise(lowering, node.name, lowering.dims(output));
    const q = kernel.operand(input);
    const centred = zeroName ? kernel.integer("Sub", q, parameter(node, lowering, kernel, 2)) : q;
    const real = kernel.mul(kernel.toFloat(centred), parameter(node, lowering, kernel, 1));
    lowering.setPlain(output, kernel.store(real, output));
  },
};

/** Ops on integers and between integers and floats. */
export const QUANTISED: readonly (readonly [string, Rule])[] = [
  ["ConvInteger", convInteger],
  ["DequantizeLinear", dequantizeLinear],
  ["DynamicQuantizeLinear", dynamicQuantizeLinear],
  ["MatMulInteger", matMulInteger],
  ["QuantizeLinear", quantizeLinear],
];

/** An i8 value as u8, 128 higher. */
function shifted(node: GraphNode, lowering: Lowering, value: ExactValue): ExactValue {
  const kernel = new Elementwise(lowering, `${node.name}: as u8`, value.dims);
  const sum = kernel.integer("Add", kernel.load(value), kernel.int(SHIFT));
  return kernel.store(kernel.castInt(sum, "u8"), `${node.name}: as u8`);
}

/** A float operand; integers count as the numbers they are. */
function realOf(kernel: Elementwise, name: string): Term {
  const term = kernel.operand(name);
  return term.type === "f32" ? term : kernel.toFloat(term);
}

/** A scale or zero point, brought to sizes that broadcast to the value's. */
function parameter(node: GraphNode, lowering: Lowering, kernel: Elementwise, at: number): Term {
  const name = node.inputs[at] ?? "";
  const whole = lowering.dims(node.outputs[0] ?? "");
  const dims = lowering.dims(name);
  const axis = (intAttribute(node, "axis", 1) + whole.length) % Math.max(1, whole.length);
  const constant = lowering.constant(name);
  const blocks = intAttribute(node, "block_size", 0);
  if (blocks > 0) {
    if (!constant) return kernel.load(repeatedBlocks(node, lowering, name, whole, axis, blocks));
    const spread = { ...constant, dims: whole, data: spreadBlocks(constant, whole, axis, blocks) };
    return kernel.constant(spread, name);
  }
  const sizes = product(dims) === 1 ? [] : whole.map((_, k) => (k === axis ? product(dims) : 1));
  if (constant) return kernel.constant({ ...constant, dims: sizes }, name);
  const value = lowering.plain(name);
  if (dims.length === sizes.length) return kernel.operand(name);
  const view = reshapeView(value.view, sizes) ?? reshapeView(lowering.copy(name, value).view, sizes);
  if (!view) throw lowering.unsupported(node, `its parameter "${name}" cannot be read along axis ${axis}`);
  const tensor = lowering.emit("Reshape", [value.tensor, lowering.initializer("shape", i64Tensor(sizes))]);
  return kernel.load({ ...value, tensor, dims: sizes, view });
}

/** The same of parameters that are computed: an axis of stride 0 repeats them. */
function repeatedBlocks(
  node: GraphNode,
  lowering: Lowering,
  name: string,
  whole: readonly number[],
  axis: number,
  block: number,
): ExactValue {
  const value = lowering.plain(name);
  if ((value.dims[axis] as number) * block !== whole[axis])
    throw lowering.unsupported(
      node,
      `blocks of ${block} do not divide its axis ${axis}, and "${name}" is no constant`,
    );
  const reshape = (tensor: string, sizes: readonly number[]) =>
    lowering.emit("Reshape", [tensor, lowering.initializer("shape", i64Tensor(sizes))]);
  const apart = (size: number) => [...value.dims.slice(0, axis + 1), size, ...value.dims.slice(axis + 1)];
  const shape = lowering.initializer("shape", i64Tensor(apart(block)));
  const expanded = lowering.emit("Expand", [reshape(value.tensor, apart(1)), shape]);
  const repeat = { size: block, stride: 0 };
  const dims = value.view.dims.map((axes, k) => (k === axis && block > 1 ? [...axes, repeat] : axes));
  return { ...value, tensor: reshape(expanded, whole), dims: whole, view: { ...value.view, dims } };
}

/** Repeats the parameters of blocks along the axis, one for each element. */
function spreadBlocks(tensor: HostTensor, whole: readonly number[], axis: number, block: number): TensorData {
  const size = whole[axis] as number;
  const inner = product(whole.slice(axis + 1));
  const blocks = tensor.dims[axis] as number;
  const data = new (tensor.data.constructor as typeof Int32Array)(product(whole));
  for (let at = 0; at < data.length; at++) {
    const outer = Math.floor(at / (inner * size));
    const index = Math.floor((Math.floor(at / inner) % size) / block);
    data[at] = tensor.data[(outer * blocks + index) * inner + (at % inner)] as number;
  }
  return data as TensorData;
}
