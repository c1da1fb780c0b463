import { floatsAttribute, type GraphNode, intAttribute, stringAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import {
  bestLabel,
  floatConstant,
  floatScalar,
  giveOutput,
  labelAbove,
  postTransform,
  readFeatures,
  readLabels,
} from "./mlScores.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";
import { readTrees, type TreeTables } from "./treeTables.ts";

/** The largest finite binary32 number. */
const LARGEST = Math.fround(3.4028234663852886e38);

/**
 * All trees at once for all rows: the nodes they are at, i64 [rows, trees], go one level down each round, by lookups in constant tables.
 *
 * @param x f32 [rows, features]
 * @returns the leaves, i64 [rows, trees]
 */
function walk(context: RewriteContext, x: string, rows: number, tables: TreeTables): string {
  const { roots, depth } = tables;
  const starts = Array.from({ length: rows }, () => roots).flat();
  const whole = (base: string, values: readonly number[], dims = [values.length]) =>
    context.addConstant(base, { type: "i64", dims, data: BigInt64Array.from(values, BigInt) });
  const feature = whole("feature", tables.feature);
  const threshold = floatConstant(context, tables.threshold);
  const [whenLess, otherwise] = [whole("less", tables.whenLess), whole("otherwise", tables.otherwise)];
  let at = whole("roots", starts, [rows, roots.length]);
  for (let level = 0; level < depth; level++) {
    const look = (table: string) => context.node("Gather", [table, at], { axis: 0 });
    const value = context.node("GatherElements", [x, look(feature)], { axis: 1 });
    const isLess = context.node("Less", [value, look(threshold)]);
    at = context.node("Where", [isLess, look(whenLess), look(otherwise)]);
  }
  return at;
}

/** What each tree gives each target: f32 [rows, trees, targets]; `none` where a leaf has no weight for a target. */
function votes(
  context: RewriteContext,
  leaves: string,
  tables: TreeTables,
  targets: number,
  none: number,
): string {
  const table = tables.weights.flatMap((own) =>
    Array.from({ length: targets }, (_, target) => own.get(target) ?? none),
  );
  const constant = floatConstant(context, table, [tables.weights.length, targets]);
  return context.node("Gather", [constant, leaves], { axis: 0 });
}

/** Sums [rows, trees, targets] over trees to [rows, targets]: single additions of f32, the first half plus the second, again and again. */
function sumOverTrees(context: RewriteContext, values: string, trees: number): string {
  const one = (value: number) => context.addConstant("at", i64Tensor([value]));
  const slice = (from: string, start: number, end: number) =>
    context.node("Slice", [from, one(start), one(end), one(1)]);
  const left: string[] = [];
  let sum = values;
  for (let size = trees; size > 1; size = Math.floor(size / 2)) {
    const half = Math.floor(size / 2);
    if (size % 2 === 1) left.push(slice(sum, size - 1, size));
    sum = context.node("Add", [slice(sum, 0, half), slice(sum, half, 2 * half)]);
  }
  const total = left.reduce((result, single) => context.node("Add", [result, single]), sum);
  return context.node("Squeeze", [total, one(1)]);
}

const EXTREMA: Readonly<Record<string, { readonly op: string; readonly none: number }>> = {
  MIN: { op: "ReduceMin", none: LARGEST },
  MAX: { op: "ReduceMax", none: -LARGEST },
};

/** TreeEnsembleRegressor; with one target onnxruntime passes post_transform over. */
const regressor: Rewrite = (node, context) => {
  const { x, rows, features } = readFeatures(node, context);
  const targets = intAttribute(node, "n_targets", 1);
  const tables = readTrees(node, "target", targets, features, context.unsupported);
  const leaves = walk(context, x, rows, tables);
  const trees = tables.roots.length;
  const aggregate = stringAttribute(node, "aggregate_function", "SUM");
  const extremum = EXTREMA[aggregate];
  if (!extremum && aggregate !== "SUM" && aggregate !== "AVERAGE")
    throw context.unsupported(`aggregate_function ${aggregate} is not supported`);
  if (extremum && tables.alwaysWeighted.size < targets)
    throw context.unsupported("a target may have no weight at all");
  const given = votes(context, leaves, tables, targets, extremum?.none ?? 0);
  let scores = extremum
    ? context.node(extremum.op, [given, context.addConstant("axes", i64Tensor([1]))], { keepdims: 0 })
    : sumOverTrees(context, given, trees);
  if (aggregate === "AVERAGE") scores = context.node("Div", [scores, floatScalar(context, trees)]);
  const base = floatsAttribute(node, "base_values") ?? [];
  if (base.length === targets) scores = context.node("Add", [scores, floatConstant(context, base)]);
  if (targets > 1 || stringAttribute(node, "post_transform", "NONE") === "PROBIT")
    scores = postTransform(node, context, scores);
  giveOutput(node, context, 0, scores);
  return true;
};

/** TreeEnsembleClassifier: labels i64 [rows] and scores f32 [rows, classes]. */
const classifier: Rewrite = (node, context) => {
  const labels = readLabels(node, context);
  const { x, rows, features } = readFeatures(node, context);
  const tables = readTrees(node, "class", labels.length, features, context.unsupported);
  const leaves = walk(context, x, rows, tables);
  const sums = sumOverTrees(context, votes(context, leaves, tables, labels.length, 0), tables.roots.length);
  const base = floatsAttribute(node, "base_values") ?? [];
  if (labels.length === 2) binary(node, context, sums, tables, [labels[0] as number, labels[1] as number]);
  else {
    if (base.length !== 0 && base.length !== labels.length)
      throw context.unsupported(`it has ${base.length} base values for ${labels.length} classes`);
    if (base.length === 0 && tables.alwaysWeighted.size < labels.length)
      throw context.unsupported("a class may have no weight at all");
    const scores = base.length ? context.node("Add", [sums, floatConstant(context, base)]) : sums;
    giveOutput(node, context, 0, bestLabel(context, scores, labels));
    giveOutput(node, context, 1, postTransform(node, context, scores));
  }
  return true;
};

/**
 * Two classes, as onnxruntime has them: where only one has weights it is the one that is decided on, and the other gets what is left.
 *
 * @param sums f32 [rows, 2]
 */
function binary(
  node: GraphNode,
  context: RewriteContext,
  sums: string,
  tables: TreeTables,
  labels: readonly [number, number],
): void {
  const hasSecond = tables.alwaysWeighted.has(1);
  if (!hasSecond && tables.everWeighted.has(1))
    throw context.unsupported("its second class has weights at some leaves only");
  const isSingle = tables.everWeighted.size === 1;
  const arePositive = tables.weights.every((own) => [...own.values()].every((weight) => weight >= 0));
  const limit = isSingle && arePositive ? 0.5 : 0;
  const column = (index: number) =>
    context.node("Gather", [sums, context.addConstant("column", i64Tensor([index]))], { axis: 1 });
  const plus = (score: string, value: number) => context.node("Add", [score, floatScalar(context, value)]);
  const pair = (first: string, second: string) => context.node("Concat", [first, second], { axis: 1 });
  const base = floatsAttribute(node, "base_values") ?? [];
  if (base.length > 2) throw context.unsupported(`it has ${base.length} base values for two classes`);

  let [first, second] = [column(0), column(1)];
  if (base.length === 2 && hasSecond) {
    second = plus(first, base[1] as number);
    first = context.node("Neg", [second]);
  } else if (base.length > 0) {
    // A class without weights keeps 0, whatever its base value.
    first = plus(first, base[0] as number);
  }
  const decisive = hasSecond ? second : first;
  giveOutput(node, context, 0, labelAbove(context, decisive, limit, isSingle ? labels : [0, 1]));
  if (hasSecond || base.length === 2) {
    giveOutput(node, context, 1, postTransform(node, context, pair(first, second)));
    return;
  }
  if (isSingle && arePositive) {
    const rest = context.node("Sub", [floatScalar(context, 1), first]);
    giveOutput(node, context, 1, pair(rest, first));
    return;
  }
  const both = pair(context.node("Neg", [first]), first);
  const isLogistic = stringAttribute(node, "post_transform", "NONE") === "LOGISTIC";
  giveOutput(node, context, 1, isLogistic ? context.node("Sigmoid", [both]) : both);
}

/** Ensembles of decision trees (ai.onnx.ml). */
export const TREE_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["ai.onnx.ml.TreeEnsembleClassifier", classifier],
  ["ai.onnx.ml.TreeEnsembleRegressor", regressor],
];
