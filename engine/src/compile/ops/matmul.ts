import { floatAttribute, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { type Absorbed, absorbFollowers } from "../absorb.ts";
import { Expression } from "../expression.ts";
import type { Interval } from "../interval.ts";
import { emitActivationProduct } from "../linear/activationProduct.ts";
import { matrixLoops } from "../linear/matrixLoops.ts";
import { int8Limit } from "../linear/rung.ts";
import { emitWideProduct } from "../linear/wideProduct.ts";
import type { Lowering } from "../lowering.ts";
import type { Quantisation } from "../quantisation.ts";
import { checkOperands, isConstant, type Rule } from "../rule.ts";
import type { QuantisedValue } from "../values.ts";
import type { View } from "../view.ts";
import { type IntegerLayer, integerLayer, weightType } from "../weights.ts";
import { requantisationScales } from "./conv.ts";

/** MatMul of an activation by a constant matrix, or of two activations. */
export const matMul: Rule = {
  check(node, graph) {
    if (node.inputs.every((name) => isConstant(graph, name)))
      return "its operands are constants that could not be folded";
    for (const name of node.inputs) {
      const matrix = graph.initializers.get(name);
      if (matrix && matrix.type !== "f32") return `its operand "${name}" is ${matrix.type}, not float32`;
      if (matrix && matrix.data.length === 0) return `its operand "${name}" is empty`;
    }
    return undefined;
  },

  lower(node, lowering) {
    const { type } = lowering.statistics(node.outputs[0] ?? "");
    if (type !== "f32") throw lowering.unsupported(node, `it multiplies ${type}, not float32`);
    const matrix = lowering.constant(node.inputs[1]);
    if (matrix?.dims.length !== 2) return emitActivationProduct(node, lowering);
    const [rows, columns] = matrix.dims as [number, number];
    emitProduct(node, lowering, transposed(matrix, rows, columns), columns, undefined, 1, 1);
  },
};

/** Gemm of an activation by a constant matrix; alpha and beta are folded into the constants. */
export const gemm: Rule = {
  check(node, graph) {
    const problem = checkOperands(node, graph, ["matrix B", "bias C"]);
    if (problem) return problem;
    if (intAttribute(node, "transA", 0) !== 0) return "transA 1 is not supported";
    const matrix = graph.initializers.get(node.inputs[1] ?? "");
    if (matrix?.type !== "f32" || matrix.dims.length !== 2) return "its matrix B is not a float32 matrix";
    if (matrix.data.length === 0) return "its matrix B is empty";
    const columns = matrix.dims[intAttribute(node, "transB", 0) === 0 ? 1 : 0] as number;
    const bias = graph.initializers.get(node.inputs[2] ?? "");
    if (bias && (bias.type !== "f32" || !isRow(bias, columns)))
      return `its bias C has the shape [${bias.dims}]; one row is supported`;
    return undefined;
  },

  lower(node, lowering) {
    const matrix = lowering.constant(node.inputs[1]) as HostTensor;
    const isTransposed = intAttribute(node, "transB", 0) !== 0;
    const [first, second] = matrix.dims as [number, number];
    const columns = isTransposed ? first : second;
    const alpha = floatAttribute(node, "alpha", 1);
    const beta = floatAttribute(node, "beta", 1);
    const weights = isTransposed
      ? Float64Array.from(matrix.data as Float32Array)
      : transposed(matrix, first, second);
    const constant = lowering.constant(node.inputs[2])?.data as Float32Array | undefined;
    const bias =
      constant &&
      Float64Array.from(
        { length: columns },
        (_, n) => beta * (constant[constant.length === 1 ? 0 : n] as number),
      );
    emitProduct(
      node,
      lowering,
      weights.map((weight) => weight * alpha),
      columns,
      bias,
      isTransposed ? 0 : 1,
      alpha,
    );
  },
};

/** True where no reader of the value asks for u8: f32 keeps the precision of the sum. */
function keepsFloat(lowering: Lowering, name: string): boolean {
  const readers = lowering.consumers(name);
  return readers.every((node) => {
    if (READS_U8.has(node.op) || lowering.preferred(name)) return false;
    return !MOVES.has(node.op) || keepsFloat(lowering, node.outputs[0] ?? "");
  });
}
const READS_U8 = new Set("Conv MatMul Gemm AveragePool GlobalAveragePool".split(" "));
const MOVES = new Set(
  "MaxPool Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout Slice Pad Gather Expand".split(" "),
);

function isRow(tensor: HostTensor, columns: number): boolean {
  if (tensor.data.length === 1) return true;
  return tensor.data.length === columns && tensor.dims.at(-1) === columns;
}

/** [rows, columns] as [columns, rows]: one row per output channel. */
function transposed(matrix: HostTensor, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let k = 0; k < rows; k++) {
    for (let n = 0; n < columns; n++)
      result[n * rows + k] = (matrix.data as Float32Array)[k * columns + n] as number;
  }
  return result;
}

/**
 * x [..., K] times weights [N, K] plus bias: MatMulInteger, Add, Cast, Mul (without a bias com.microsoft's MatMulIntegerToFloat, which is all of it); then
 * QuantizeLinear by 1 where a u8 result is wanted. An f32 result keeps the precision of the sum.
 */
function emitProduct(
  node: GraphNode,
  lowering: Lowering,
  weights: Float64Array,
  columns: number,
  bias: Float64Array | undefined,
  columnAxis: number,
  alpha: number,
): void {
  const rows = weights.length / columns;
  const followers = absorbFollowers(node, lowering, columns, 1);
  const scaled = weights.map((weight, k) => weight * (followers.scale[Math.floor(k / rows)] as number));
  const biases = followers.shift.map(
    (shift, n) => shift + (bias ? (bias[n] as number) * (followers.scale[n] as number) : 0),
  );
  const rung = lowering.rung(node);
  const means = lowering.statistics(node.inputs[0] ?? "").lastMeans;
  const meanInput = (_: number, k: number) => means[k] as number;
  if (rung >= 2) {
    const layer = { weights: scaled, biases, meanInput, what: node.name };
    emitWideProduct({ lowering, node, rung, layer, columns, followers });
    return;
  }
  const input = lowering.quantised(node.inputs[0] ?? "");
  const layer = integerLayer(lowering, {
    weightName: node.inputs[1],
    biasName: node.inputs[2],
    channelAxis: columnAxis,
    factors: followers.scale.map((factor) => factor * alpha),
    weights: scaled,
    biases,
    inputScale: input.quantisation.scale,
    meanInput,
    limit: int8Limit(rung),
    what: node.name,
  });

  const asFloat = !followers.relu && keepsFloat(lowering, followers.output);
  const output = asFloat ? undefined : lowering.quantisationOf(followers.output);
  const scales = requantisationScales(input.quantisation.scale, layer.scales, output?.scale ?? 1);
  const tensor = emitGraph(node, lowering, input, followers, layer, columns, scales, output);
  const view = emitDot(node, lowering, tensor, input, layer, columns, scales, output);
  const dims = lowering.dims(followers.output);
  if (output)
    lowering.setQuantised(followers.output, { tensor, dims, view, type: "u8", quantisation: output });
  else
    lowering.setPlain(followers.output, { tensor, dims, view, type: "f32", range: rangeOf(layer, scales) });
}

/** What int32 sums can reach, scaled: never infinite, so that nothing behind needs a guard against NaN. */
function rangeOf({ values, biases }: IntegerLayer, scales: Float32Array): Interval {
  const length = values.length / biases.length;
  let most = 0;
  scales.forEach((scale, n) => {
    const sum = Math.min(length * 255 * 255 + Math.abs(biases[n] as number), 2 ** 31);
    most = Math.max(most, Math.fround(Math.fround(sum) * Math.abs(scale)));
  });
  return { min: -most, max: most };
}

function emitGraph(
  node: GraphNode,
  lowering: Lowering,
  input: QuantisedValue,
  followers: Absorbed,
  layer: IntegerLayer,
  columns: number,
  scales: Float32Array,
  output: Quantisation | undefined,
): string {
  const { values, biases } = layer;
  const rows = values.length / columns;
  const matrix = values.slice();
  for (let n = 0; n < columns; n++)
    for (let k = 0; k < rows; k++) matrix[k * columns + n] = values[n * rows + k] as number;
  const name = followers.output;
  const [sum, biased, real] = ["sum", "biased", "real"].map((role) =>
    lowering.freshName(`${name}_${role}`),
  ) as [string, string, string];
  const { exact } = lowering;
  const weight = lowering.initializer(`${node.name}_matrix`, {
    type: weightType(layer),
    dims: [rows, columns],
    data: matrix,
  });
  const zeros = [
    lowering.scalar("u8", input.quantisation.zero),
    lowering.scalar(weightType(layer), layer.zero),
  ];
  const scale = lowering.initializer(`${node.name}_scale`, { type: "f32", dims: [columns], data: scales });
  const product = output ? lowering.freshName(`${name}_scaled`) : name;
  if (biases.every((bias) => bias === 0)) {
    const factors = [lowering.scalar("f32", 1), scale];
    const inputs = [input.tensor, weight, ...factors, ...zeros];
    exact.node("com.microsoft.MatMulIntegerToFloat", inputs, [product], {}, node.name);
  } else {
    exact.node("MatMulInteger", [input.tensor, weight, ...zeros], [sum], {}, node.name);
    const bias = lowering.initializer(`${node.name}_bias`, { type: "i32", dims: [columns], data: biases });
    exact.node("Add", [sum, bias], [biased]);
    exact.node("Cast", [biased], [real], { to: 1 });
    exact.node("Mul", [real, scale], [product]);
  }
  if (!output) return product;
  const tensor = lowering.freshName(`${name}_u8`);
  exact.node(
    "QuantizeLinear",
    [product, lowering.scalar("f32", 1), lowering.scalar("u8", output.zero)],
    [tensor],
  );
  return tensor;
}

function emitDot(
  node: GraphNode,
  lowering: Lowering,
  tensor: string,
  input: QuantisedValue,
  layer: IntegerLayer,
  columns: number,
  scales: Float32Array,
  output: Quantisation | undefined,
): View {
  const { program } = lowering;
  const type = weightType(layer);
  const loops = matrixLoops(input.view, columns);
  const matrix = program.addWeight(`${node.name}/matrix`, type, loops.reversed(layer.values));
  const bias = program.addWeight(`${node.name}/bias`, "i32", layer.biases);
  const scale = program.addWeight(`${node.name}/scale`, "f32", scales);
  const expression = new Expression();
  const sum = expression.apply("iadd", expression.acc(), expression.load(2));
  if (output) expression.requantise(sum, expression.load(3), output.zero);
  else expression.apply("fmul", expression.apply("tofloat", sum), expression.load(3));
  const dtype = output ? "u8" : "f32";
  const index = program.add(node.name, loops.source(tensor), {
    accumulate: "dot",
    outDtype: dtype,
    outDims: loops.outDims,
    reduceDims: loops.reduceDims,
    aZero: input.quantisation.zero,
    bZero: layer.zero,
    operands: [
      loops.activation(input.view),
      loops.matrix(matrix, type),
      loops.perColumn(bias, "i32"),
      loops.perColumn(scale, "f32"),
    ],
    expression: expression.operations,
  });
  return loops.result(index, dtype);
}
