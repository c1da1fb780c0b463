import type { AttributeInput } from "../../onnx/build.ts";
import { floatAttribute, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { type ElementType, type HostTensor, i64Tensor, type TensorData } from "../../onnx/tensor.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** Where the value, the scale and the zero point of a quantised operand stand among a node's inputs. */
interface Operand {
  readonly value: number;
  readonly scale: number;
  readonly zero: number;
}

const operandAt = (value: number): Operand => ({ value, scale: value + 1, zero: value + 2 });

/**
 * "Operator-oriented" quantisation (QLinearConv, QGemm...) as what it stands for: DequantizeLinear, the float op, QuantizeLinear. The
 * integers and the quantisations stay those of the model.
 */
export const OPERATOR_FORM: readonly (readonly [string, Rewrite])[] = [
  ["QLinearConv", convolution],
  ["QLinearMatMul", matrixProduct],
  ["com.microsoft.QGemm", gemm],
  ["com.microsoft.QLinearAdd", around("Add", [operandAt(0), operandAt(3)], 6)],
  ["com.microsoft.QLinearMul", around("Mul", [operandAt(0), operandAt(3)], 6)],
  ["com.microsoft.QLinearLeakyRelu", around("LeakyRelu", [operandAt(0)], 3, alpha)],
  ["com.microsoft.QLinearSigmoid", around("Sigmoid", [operandAt(0)], 3)],
  ["com.microsoft.QLinearSoftmax", around("Softmax", [operandAt(0)], 3, axisOfSoftmax)],
  ["com.microsoft.QLinearAveragePool", pool("AveragePool")],
  ["com.microsoft.QLinearGlobalAveragePool", pool("GlobalAveragePool")],
  ["com.microsoft.QLinearConcat", concat],
  ["com.microsoft.QLinearWhere", where],
  ["com.microsoft.QuantizeLinear", standard("QuantizeLinear")],
  ["com.microsoft.DequantizeLinear", standard("DequantizeLinear")],
  ["com.microsoft.MatMulIntegerToFloat", matMulIntegerToFloat],
  ["com.microsoft.DynamicQuantizeMatMul", dynamicQuantizeMatMul],
  ["MaxPool", integerMaxPool],
  ["QuantizeLinear", quantise16],
  ["DequantizeLinear", dequantise16],
];

/** The op itself between DequantizeLinear of its operands and QuantizeLinear by the parameters at `result`. */
function around(
  op: string,
  operands: readonly Operand[],
  result: number,
  attributes: (node: GraphNode) => Record<string, AttributeInput> = () => ({}),
): Rewrite {
  return (node, context) => {
    const reals = operands.map((operand) => real(node, context, operand));
    quantised(node, context, context.node(op, reals, attributes(node)), result);
    return true;
  };
}

function alpha(node: GraphNode) {
  return { alpha: { float: floatAttribute(node, "alpha", 0.01) } };
}

function axisOfSoftmax(node: GraphNode) {
  return { axis: intAttribute(node, "axis", -1) };
}

function convolution(node: GraphNode, context: RewriteContext): boolean {
  const x = real(node, context, operandAt(0));
  const w = real(node, context, operandAt(3), 0);
  const operands = [x, w];
  if (node.inputs[8]) operands.push(sumOfProducts(node, context, node.inputs[8], 1));
  quantised(node, context, context.node("Conv", operands, windowOf(node)), 6);
  return true;
}

/**
 * By a constant matrix: MatMul in QDQ form, which keeps the integers. Else what QLinearMatMul is by definition: the integer product, scaled by
 * a's scale * b's scale / y's scale.
 */
function matrixProduct(node: GraphNode, context: RewriteContext): boolean {
  const [a = "", aScale = "", aZero = "", b = "", bScale = "", bZero = "", yScale = ""] = node.inputs;
  const isConstant = [aScale, aZero, b, bScale, bZero, yScale].every((name) => context.constant(name));
  const isPerRow = context.typeOf(aScale).dims.reduce((product, size) => product * size, 1) > 1;
  if (isConstant || isPerRow) return around("MatMul", [operandAt(0), operandAt(3)], 6)(node, context);
  const sums = context.node("Cast", [context.node("MatMulInteger", [a, b, aZero, bZero])], { to: 1 });
  const scale = context.node("Div", [context.node("Mul", [aScale, bScale]), yScale]);
  const one = context.addConstant("one", { type: "f32", dims: [], data: Float32Array.of(1) });
  const zero = resized(context, node.inputs[7] ?? "", 1);
  context.nodeTo(node.outputs, "QuantizeLinear", [context.node("Mul", [sums, scale]), one, zero]);
  return true;
}

/** Gemm whose result is float where no quantisation is given for it. */
function gemm(node: GraphNode, context: RewriteContext): boolean {
  const factor = floatAttribute(node, "alpha", 1);
  const attributes = {
    alpha: { float: factor },
    transA: intAttribute(node, "transA", 0),
    transB: intAttribute(node, "transB", 0),
  };
  const columnAxis = attributes.transB === 0 ? 1 : 0;
  const operands = [real(node, context, operandAt(0)), real(node, context, operandAt(3), columnAxis)];
  if (node.inputs[6]) operands.push(sumOfProducts(node, context, node.inputs[6], factor));
  if (!node.inputs[7]) context.nodeTo(node.outputs, "Gemm", operands, attributes);
  else quantised(node, context, context.node("Gemm", operands, attributes), 7);
  return true;
}

/** The int32 bias of a sum of products of the operands at 0 and 3: its scale is the product of theirs. */
function sumOfProducts(node: GraphNode, context: RewriteContext, bias: string, factor: number): string {
  const [a, b] = [context.constant(node.inputs[1]), context.constant(node.inputs[4])];
  if (a?.data.length !== 1 || !b) throw context.unsupported("the scale of its bias is not a constant");
  const own = Math.fround((a.data[0] as number) * factor);
  const data = Float32Array.from(b.data as Float32Array, (scale) => own * scale);
  const scale = context.addConstant("bias_scale", {
    type: "f32",
    dims: data.length === 1 ? [] : [data.length],
    data,
  });
  const axis = Math.max(0, context.typeOf(bias).dims.length - 1);
  return context.node("DequantizeLinear", [bias, scale], { axis });
}

/** Pools of contributed ops may have their images channels-last. */
function pool(op: "AveragePool" | "GlobalAveragePool"): Rewrite {
  return (node, context) => {
    const rank = context.typeOf(node.inputs[0] ?? "").dims.length;
    const spatial = Array.from({ length: rank - 2 }, (_, k) => k + 1);
    const isChannelsLast = intAttribute(node, "channels_last", 0) !== 0;
    let x = real(node, context, operandAt(0));
    if (isChannelsLast) x = context.node("Transpose", [x], { perm: [0, rank - 1, ...spatial] });
    let y = context.node(op, [x], windowOf(node));
    if (isChannelsLast) y = context.node("Transpose", [y], { perm: [0, ...spatial.map((k) => k + 1), 1] });
    quantised(node, context, y, 3);
    return true;
  };
}

/** Inputs: scale and zero point of the result, then three for each part. */
function concat(node: GraphNode, context: RewriteContext): boolean {
  const parts = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, k) =>
    real(node, context, operandAt(2 + 3 * k)),
  );
  const y = context.node("Concat", parts, { axis: intAttribute(node, "axis", 0) });
  quantised(node, context, y, 0);
  return true;
}

function where(node: GraphNode, context: RewriteContext): boolean {
  const parts = [real(node, context, operandAt(1)), real(node, context, operandAt(4))];
  quantised(node, context, context.node("Where", [node.inputs[0] ?? "", ...parts]), 7);
  return true;
}

function standard(op: string): Rewrite {
  return (node, context) => {
    const rank = context.typeOf(node.inputs[0] ?? "").dims.length;
    const isVector = context.typeOf(node.inputs[1] ?? "").dims.length === 1;
    context.nodeTo(
      node.outputs,
      op,
      node.inputs,
      isVector && rank > 0 ? { axis: intAttribute(node, "axis", 1) } : {},
    );
    return true;
  };
}

/** A, B, their scales, their zero points, bias: the int32 product, scaled. */
function matMulIntegerToFloat(node: GraphNode, context: RewriteContext): boolean {
  const [a = "", b = "", aScale = "", bScale = "", aZero = "", bZero = "", bias = ""] = node.inputs;
  const sums = context.node("MatMulInteger", trimmed([a, b, aZero, bZero]));
  scaledSums(node, context, sums, context.node("Mul", [aScale, bScale]), bias);
  return true;
}

/** A in float, B with its scale and zero point, bias. */
function dynamicQuantizeMatMul(node: GraphNode, context: RewriteContext): boolean {
  const [a = "", b = "", bScale = "", bZero = "", bias = ""] = node.inputs;
  const names = ["quantised", "scale", "zero"].map((role) => `${node.outputs[0]}/${role}`);
  context.nodeTo(names, "DynamicQuantizeLinear", [a]);
  const [q = "", scale = "", zero = ""] = names;
  const sums = context.node("MatMulInteger", trimmed([q, b, zero, bZero]));
  scaledSums(node, context, sums, context.node("Mul", [scale, bScale]), bias);
  return true;
}

/** MaxPool of 8-bit integers, as of the whole numbers they are. */
function integerMaxPool(node: GraphNode, context: RewriteContext): boolean {
  const [x = ""] = node.inputs;
  const { type } = context.typeOf(x);
  if ((type !== "u8" && type !== "i8") || node.outputs.length > 1) return false;
  const one = context.addConstant("one", { type: "f32", dims: [], data: Float32Array.of(1) });
  const data = type === "u8" ? Uint8Array.of(0) : Int8Array.of(0);
  const zero = context.addConstant("zero", { type, dims: [], data });
  const numbers = context.node("DequantizeLinear", [x, one, zero]);
  context.nodeTo(node.outputs, "QuantizeLinear", [
    context.node("MaxPool", [numbers], windowOf(node)),
    one,
    zero,
  ]);
  return true;
}

const LIMITS_16: Readonly<Partial<Record<ElementType, readonly [number, number]>>> = {
  u16: [0, 65535],
  i16: [-32768, 32767],
};

/** 16-bit integers are carried as the whole floats they are, which single precision holds exactly. */
function quantise16(node: GraphNode, context: RewriteContext): boolean {
  const limits = LIMITS_16[context.typeOf(node.outputs[0] ?? "").type];
  if (!limits) return false;
  const { scale, zero } = wideParameters(node, context);
  const float = floats(context);
  const steps = context.node("Div", [node.inputs[0] ?? "", scale]);
  const clipped = context.node("Clip", [steps, float(limits[0] - zero), float(limits[1] - zero)]);
  context.nodeTo(node.outputs, "Add", [context.node("Round", [clipped]), float(zero)]);
  return true;
}

function dequantise16(node: GraphNode, context: RewriteContext): boolean {
  const [q = ""] = node.inputs;
  if (!(context.typeOf(q).type in LIMITS_16) || context.constant(q)) return false;
  const { scale, zero } = wideParameters(node, context);
  context.nodeTo(node.outputs, "Mul", [context.node("Sub", [q, floats(context)(zero)]), scale]);
  return true;
}

function wideParameters(node: GraphNode, context: RewriteContext): { scale: string; zero: number } {
  const [, scale = "", zeroName] = node.inputs;
  const zero = zeroName ? context.constant(zeroName) : undefined;
  if (context.constant(scale)?.data.length !== 1 || (zeroName && zero?.data.length !== 1))
    throw context.unsupported("16 bits are supported with one constant scale and zero point");
  return { scale: resized(context, scale, 1), zero: Number(zero?.data[0] ?? 0) };
}

function floats(context: RewriteContext): (value: number) => string {
  return (value) => context.addConstant("float", { type: "f32", dims: [], data: Float32Array.of(value) });
}

function scaledSums(
  node: GraphNode,
  context: RewriteContext,
  sums: string,
  scale: string,
  bias: string,
): void {
  const numbers = context.node("Cast", [sums], { to: 1 });
  if (bias === "") {
    context.nodeTo(node.outputs, "Mul", [numbers, scale]);
  } else {
    context.nodeTo(node.outputs, "Add", [context.node("Mul", [numbers, scale]), bias]);
  }
}

/** Inputs without those left out at the end. */
function trimmed(inputs: readonly string[]): string[] {
  const last = inputs.findLastIndex((name) => name !== "");
  return inputs.slice(0, last + 1);
}

/** What the node says of its window or groups, for the float op. */
function windowOf(node: GraphNode): Record<string, AttributeInput> {
  const kept: Record<string, AttributeInput> = {};
  for (const [name, attribute] of node.attributes) {
    if (name === "channels_last") continue;
    if (attribute.kind === "int" || attribute.kind === "ints" || attribute.kind === "string")
      kept[name] = attribute.value;
  }
  return kept;
}

function real(node: GraphNode, context: RewriteContext, at: Operand, axis = 1): string {
  const value = node.inputs[at.value] ?? "";
  const parameters = quantisationInputs(context, node.inputs[at.scale] ?? "", node.inputs[at.zero] ?? "");
  return context.node("DequantizeLinear", [value, ...parameters.names], parameters.isVector ? { axis } : {});
}

function quantised(node: GraphNode, context: RewriteContext, value: string, at: number): void {
  const { names } = quantisationInputs(context, node.inputs[at] ?? "", node.inputs[at + 1] ?? "");
  context.nodeTo(node.outputs, "QuantizeLinear", [value, ...names]);
}

/** Scale and zero point in the sizes QuantizeLinear wants: both scalars, or both vectors of one length. */
function quantisationInputs(
  context: RewriteContext,
  scale: string,
  zero: string,
): { names: string[]; isVector: boolean } {
  const count = (name: string) => context.typeOf(name).dims.reduce((product, size) => product * size, 1);
  const length = Math.max(count(scale), zero === "" ? 1 : count(zero));
  const names = [scale, ...(zero === "" ? [] : [zero])].map((name) => resized(context, name, length));
  return { names, isVector: length > 1 };
}

/** A scalar for the length 1, else a vector of that length. */
function resized(context: RewriteContext, name: string, length: number): string {
  const { dims } = context.typeOf(name);
  const wanted = length === 1 ? [] : [length];
  if (dims.join() === wanted.join() && dims.length === wanted.length) return name;
  const tensor = context.constant(name);
  if (!tensor) {
    if (length === 1) return context.node("Reshape", [name, context.addConstant("shape", i64Tensor([]))]);
    throw context.unsupported(`its quantisation parameter "${name}" is not a constant`);
  }
  const data = tensor.data.length === length ? tensor.data : repeated(tensor, length);
  return context.addConstant(name, { type: tensor.type, dims: wanted, data });
}

function repeated(tensor: HostTensor, length: number): TensorData {
  const data = new (tensor.data.constructor as typeof Int8Array)(length);
  return data.fill(tensor.data[0] as number) as TensorData;
}
