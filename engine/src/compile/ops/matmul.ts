import { floatAttribute, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { type Absorbed, absorbFollowers } from "../absorb.ts";
import { Expression } from "../expression.ts";
import { int8Limit } from "../linear/rung.ts";
import type { Lowering } from "../lowering.ts";
import type { OperandDraft } from "../programBuilder.ts";
import type { Quantisation } from "../quantisation.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { QuantisedValue } from "../values.ts";
import { type Axis, freshDims, product, rowMajorStrides, type View } from "../view.ts";
import { type IntegerLayer, integerLayer, weightType } from "../weights.ts";
import { requantisationScales } from "./conv.ts";

/** MatMul of an activation by a constant matrix. */
export const matMul: Rule = {
  check(node, graph) {
    const problem = checkOperands(node, graph, ["second matrix"]);
    if (problem) return problem;
    const matrix = graph.initializers.get(node.inputs[1] ?? "");
    if (matrix?.type !== "f32") return "its second matrix is not float32";
    if (matrix.dims.length !== 2)
      return `its second matrix has the shape [${matrix.dims}]; two dimensions are supported`;
    if (matrix.data.length === 0) return "its second matrix is empty";
    return undefined;
  },

  lower(node, lowering) {
    const matrix = lowering.constant(node.inputs[1]) as HostTensor;
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
const READS_U8 = new Set("Conv MatMul Gemm MaxPool AveragePool GlobalAveragePool".split(" "));
const MOVES = new Set(
  "Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout Slice Pad Gather Expand".split(" "),
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
 * x [..., K] times weights [N, K] plus bias: MatMulInteger, Add, Cast, Mul; then QuantizeLinear by 1 where a u8 result is
 * wanted. An f32 result keeps the precision of the sum.
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
  const input = lowering.quantised(node.inputs[0] ?? "");
  if (input.dims.length < 2) throw lowering.unsupported(node, `its input has the shape [${input.dims}]`);
  const rows = weights.length / columns;
  const followers = absorbFollowers(node, lowering, columns, 1);
  const scaled = weights.map((weight, k) => weight * (followers.scale[Math.floor(k / rows)] as number));
  const biases = followers.shift.map(
    (shift, n) => shift + (bias ? (bias[n] as number) * (followers.scale[n] as number) : 0),
  );
  const means = lowering.statistics(node.inputs[0] ?? "").lastMeans;
  const layer = integerLayer(lowering, {
    weightName: node.inputs[1],
    biasName: node.inputs[2],
    channelAxis: columnAxis,
    factors: followers.scale.map((factor) => factor * alpha),
    weights: scaled,
    biases,
    inputScale: input.quantisation.scale,
    meanInput: (_, k) => means[k] as number,
    limit: int8Limit(lowering.rung(node)),
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
  else lowering.setPlain(followers.output, { tensor, dims, view, type: "f32" });
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
  exact.node(
    "MatMulInteger",
    [
      input.tensor,
      weight,
      lowering.scalar("u8", input.quantisation.zero),
      lowering.scalar(weightType(layer), layer.zero),
    ],
    [sum],
    {},
    node.name,
  );
  exact.node(
    "Add",
    [sum, lowering.initializer(`${node.name}_bias`, { type: "i32", dims: [columns], data: biases })],
    [biased],
  );
  exact.node("Cast", [biased], [real], { to: 1 });
  const scale = lowering.initializer(`${node.name}_scale`, { type: "f32", dims: [columns], data: scales });
  const product = output ? lowering.freshName(`${name}_scaled`) : name;
  exact.node("Mul", [real, scale], [product]);
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
  const { values, biases } = layer;
  const rows = values.length / columns;
  const lead = input.view.dims.slice(0, -1);
  const leadAxes = lead.flat();
  const reduction = memoryOrder(input.view.dims.at(-1) ?? []);
  const reduceDims = reduction.length > 0 ? reduction.map((axis) => axis.size) : [1];
  const reversed = values.slice();
  const logical = logicalPositions(reduction);
  for (let n = 0; n < columns; n++) {
    for (let r = 0; r < rows; r++)
      reversed[n * rows + rows - 1 - r] = values[n * rows + (logical[r] as number)] as number;
  }

  const zeros = leadAxes.map(() => 0);
  const perColumn = (index: number, dtype: "i32" | "f32"): OperandDraft => ({
    space: "weight",
    index,
    dtype,
    elements: columns,
    offset: 0,
    out: [...zeros, 1],
    reduce: reduceDims.map(() => 0),
  });
  const { program } = lowering;
  const operands: OperandDraft[] = [
    {
      space: input.view.space,
      index: input.view.index,
      dtype: "u8",
      elements: input.view.elements,
      offset: input.view.offset,
      out: [...leadAxes.map((axis) => axis.stride), 0],
      reduce: reduction.length > 0 ? reduction.map((axis) => axis.stride) : [0],
    },
    {
      space: "weight",
      index: program.addWeight(`${node.name}/matrix`, weightType(layer), reversed),
      dtype: weightType(layer),
      elements: values.length,
      offset: rows - 1,
      out: [...zeros, rows],
      reduce: rowMajorStrides(reduceDims).map((stride) => -stride),
    },
    perColumn(program.addWeight(`${node.name}/bias`, "i32", biases), "i32"),
    perColumn(program.addWeight(`${node.name}/scale`, "f32", scales), "f32"),
  ];
  const expression = new Expression();
  const sum = expression.apply("iadd", expression.acc(), expression.load(2));
  if (output) expression.requantise(sum, expression.load(3), output.zero);
  else expression.apply("fmul", expression.apply("tofloat", sum), expression.load(3));

  const sizes = [...lead.map((axes) => axes.map((axis) => axis.size)), columns > 1 ? [columns] : []];
  const outDims = [...leadAxes.map((axis) => axis.size), columns];
  const dtype = output ? "u8" : "f32";
  const index = program.add(
    node.name,
    { tensor, shape: outDims, permutation: outDims.map((_, axis) => axis) },
    {
      accumulate: "dot",
      outDtype: dtype,
      outDims,
      reduceDims,
      aZero: input.quantisation.zero,
      bZero: layer.zero,
      operands,
      expression: expression.operations,
    },
  );
  return { space: "trace", index, dtype, elements: product(outDims), offset: 0, dims: freshDims(sizes) };
}

interface ReductionAxis extends Axis {
  /** Stride in the logical dimension the axes make up. */
  readonly logical: number;
}

/** The axes of a dimension with the longest stride first, so that the innermost runs through memory. */
function memoryOrder(axes: readonly Axis[]): ReductionAxis[] {
  const logical = rowMajorStrides(axes.map((axis) => axis.size));
  return axes
    .map((axis, k) => ({ ...axis, logical: logical[k] as number }))
    .sort((a, b) => b.stride - a.stride || b.logical - a.logical);
}

/** For each position in the order of `axes`, its index in the logical dimension. */
function logicalPositions(axes: readonly ReductionAxis[]): number[] {
  let positions = [0];
  for (const { size, logical } of axes) {
    positions = positions.flatMap((base) => Array.from({ length: size }, (_, k) => base + k * logical));
  }
  return positions;
}
