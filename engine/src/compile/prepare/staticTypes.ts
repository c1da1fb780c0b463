import { type Graph, type GraphNode, intAttribute, qualifiedOp } from "../../onnx/graph.ts";
import { type ElementType, elementTypeOf } from "../../onnx/tensor.ts";

type Types = readonly (ElementType | undefined)[];

const BOOL = "Equal Greater Less GreaterOrEqual LessOrEqual And Or Not Xor IsNaN IsInf".split(" ");
const INT64 = "Shape Size ArgMax ArgMin NonZero".split(" ");

/** Ops whose results are not of their first input's type. What is not here is. */
const RESULTS: ReadonlyMap<string, (inputs: Types, node: GraphNode) => Types> = new Map([
  ...BOOL.map((op) => [op, (): Types => ["bool"]] as const),
  ...INT64.map((op) => [op, (): Types => ["i64"]] as const),
  ["Cast", (_, node) => [elementTypeOf(intAttribute(node, "to", 0))]],
  ["CastLike", (inputs) => [inputs[1]]],
  ["Where", (inputs) => [inputs[1]]],
  ["OneHot", (inputs) => [inputs[2]]],
  ["TopK", (inputs) => [inputs[0], "i64"]],
  ["MaxPool", (inputs) => [inputs[0], "i64"]],
  ["Dropout", (inputs) => [inputs[0], "bool"]],
  ["EyeLike", (inputs, node) => [elementTypeOf(intAttribute(node, "dtype", 0)) ?? inputs[0]]],
  ["ConstantOfShape", (_, node) => [typeOfValue(node) ?? "f32"]],
  ["Constant", (_, node) => [typeOfValue(node)]],
  [
    "QuantizeLinear",
    (inputs, node) => [elementTypeOf(intAttribute(node, "output_dtype", 0)) ?? inputs[2] ?? "u8"],
  ],
  ["DequantizeLinear", (inputs) => [inputs[1]]],
  ["DynamicQuantizeLinear", () => ["u8", "f32", "u8"]],
  ["MatMulInteger", () => ["i32"]],
  ["ConvInteger", () => ["i32"]],
  ["QLinearConv", (inputs) => [inputs[7]]],
  ["QLinearMatMul", (inputs) => [inputs[7]]],
  ["ai.onnx.ml.TreeEnsembleClassifier", () => ["i64", "f32"]],
  ["ai.onnx.ml.LinearClassifier", () => ["i64", "f32"]],
  ["ai.onnx.ml.SVMClassifier", () => ["i64", "f32"]],
  ["ai.onnx.ml.TreeEnsemble", (inputs) => [inputs[0]]],
  ["ai.onnx.ml.TreeEnsembleRegressor", () => ["f32"]],
  ["ai.onnx.ml.LinearRegressor", () => ["f32"]],
  ["ai.onnx.ml.Binarizer", (inputs) => [inputs[0]]],
  ["ai.onnx.ml.Scaler", () => ["f32"]],
  ["ai.onnx.ml.Normalizer", () => ["f32"]],
] as [string, (inputs: Types, node: GraphNode) => Types][]);

function typeOfValue(node: GraphNode): ElementType | undefined {
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind === "tensor") return attribute.value.type;
    if (name.startsWith("value_int")) return "i64";
    if (name.startsWith("value_float")) return "f32";
  }
  return undefined;
}

/** The element types of a graph's values, from the ops alone: nothing is run. Values of ops that give another type than they take and are unknown here may be wrong. */
export function staticTypes(graph: Graph): ReadonlyMap<string, ElementType> {
  const types = new Map<string, ElementType>();
  for (const [name, { type }] of graph.initializers) types.set(name, type);
  for (const { name, type } of graph.inputs) types.set(name, type);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => types.get(name));
    const results = RESULTS.get(qualifiedOp(node))?.(inputs, node);
    node.outputs.forEach((name, index) => {
      const type = results ? results[index] : inputs[0];
      if (type !== undefined) types.set(name, type);
    });
  }
  return types;
}
