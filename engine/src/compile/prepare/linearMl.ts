/** The linear ops of ai.onnx.ml. */
import {
  floatAttribute,
  floatsAttribute,
  type GraphNode,
  intAttribute,
  stringAttribute,
} from "../../onnx/graph.ts";
import { ELEMENT_TYPES, i64Tensor } from "../../onnx/tensor.ts";
import {
  bestLabel,
  floatConstant,
  floatScalar,
  giveOutput,
  postTransform,
  readFeatures,
  readLabels,
} from "./mlScores.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** x times the coefficients [targets, features], plus the intercepts: f32 [rows, targets]. */
function linear(node: GraphNode, context: RewriteContext, targets: number): string {
  const { x, features } = readFeatures(node, context);
  const coefficients = floatsAttribute(node, "coefficients") ?? [];
  if (coefficients.length !== targets * features)
    throw context.unsupported(`it has ${coefficients.length} coefficients for ${targets} times ${features}`);
  const columns = Array.from({ length: features * targets }, (_, k) => {
    const [feature, target] = [Math.floor(k / targets), k % targets];
    return coefficients[target * features + feature] as number;
  });
  const product = context.node("MatMul", [x, floatConstant(context, columns, [features, targets])]);
  const intercepts = floatsAttribute(node, "intercepts") ?? [];
  if (intercepts.length === 0) return product;
  if (intercepts.length !== targets)
    throw context.unsupported(`it has ${intercepts.length} intercepts for ${targets} targets`);
  return context.node("Add", [product, floatConstant(context, intercepts)]);
}

const linearRegressor: Rewrite = (node, context) => {
  const scores = linear(node, context, intAttribute(node, "targets", 1));
  giveOutput(
    node,
    context,
    0,
    postTransform(context, scores, stringAttribute(node, "post_transform", "NONE")),
  );
  return true;
};

const linearClassifier: Rewrite = (node, context) => {
  const labels = readLabels(node, context);
  const { features } = readFeatures(node, context);
  const targets = (floatsAttribute(node, "coefficients") ?? []).length / features;
  if (targets !== labels.length)
    throw context.unsupported(`it has coefficients for ${targets} of its ${labels.length} classes`);
  const scores = linear(node, context, targets);
  giveOutput(node, context, 0, bestLabel(context, scores, labels));
  giveOutput(
    node,
    context,
    1,
    postTransform(context, scores, stringAttribute(node, "post_transform", "NONE")),
  );
  return true;
};

const NORMS: Readonly<Record<string, string>> = { MAX: "ReduceMax", L1: "ReduceL1", L2: "ReduceL2" };

/** Rows divided by their largest element or norm; a row of zeros stays. */
const normalizer: Rewrite = (node, context) => {
  const { x } = readFeatures(node, context);
  const norm = stringAttribute(node, "norm", "MAX");
  const op = NORMS[norm];
  if (!op) throw context.unsupported(`its norm "${norm}" is not known`);
  const size = context.node(op, [x, context.addConstant("axes", i64Tensor([1]))], { keepdims: 1 });
  giveOutput(node, context, 0, context.node("Div", [x, size]));
  return true;
};

/** 1 where x is over the threshold, else 0. */
const binarizer: Rewrite = (node, context) => {
  const { x } = readFeatures(node, context);
  const isOver = context.node("Greater", [x, floatScalar(context, floatAttribute(node, "threshold", 0))]);
  giveOutput(node, context, 0, context.node("Cast", [isOver], { to: ELEMENT_TYPES.f32.code }));
  return true;
};

export const LINEAR_ML: readonly (readonly [string, Rewrite])[] = [
  ["ai.onnx.ml.Binarizer", binarizer],
  ["ai.onnx.ml.LinearClassifier", linearClassifier],
  ["ai.onnx.ml.LinearRegressor", linearRegressor],
  ["ai.onnx.ml.Normalizer", normalizer],
];
