import { floatsAttribute, type GraphNode, intAttribute, stringAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, i64Tensor } from "../../onnx/tensor.ts";
import {
  bestLabel,
  floatConstant,
  floatScalar,
  giveOutput,
  labelAbove,
  POST_TRANSFORMS,
  postTransform,
  readFeatures,
  readLabels,
} from "./mlScores.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";
import { readTrees, readTrees5 } from "./treeAttributes.ts";
import { COLUMNS, type Column, type TreeTables, treeTables } from "./treeTables.ts";

/** The largest finite binary32 number. */
const LARGEST = Math.fround(3.4028234663852886e38);

/**
 * The features as trees look at them, and each node's place among them: missing ones are infinity in one copy, minus infinity in another, and a third says
 * which they are; only copies that some node asks for.
 *
 * @param x f32 [rows, features]
 */
function columnsOf(
  node: GraphNode,
  context: RewriteContext,
  x: string,
  features: number,
  tables: TreeTables,
): { x: string; places: readonly number[] } {
  const used = COLUMNS.filter((column) => tables.column.includes(column));
  const places = tables.feature.map(
    (feature, k) => feature + features * used.indexOf(tables.column[k] as Column),
  );
  if (context.typeOf(node.inputs[0] ?? "").type !== "f32") return { x, places: tables.feature };
  const isMissing = context.node("IsNaN", [x]);
  const columns: Readonly<Record<Column, () => string>> = {
    "missing is high": () => context.node("Where", [isMissing, floatScalar(context, Infinity), x]),
    "missing is low": () => context.node("Where", [isMissing, floatScalar(context, -Infinity), x]),
    "is missing": () => context.node("Cast", [isMissing], { to: ELEMENT_TYPES.f32.code }),
  };
  const made = used.map((column) => columns[column]());
  return { x: made.length === 1 ? (made[0] as string) : context.node("Concat", made, { axis: 1 }), places };
}

/**
 * All trees at once for all rows: the nodes they are at, i64 [rows, trees], go one level down each round, by lookups in constant tables.
 *
 * @param x f32 [rows, features]
 * @returns the leaves, i64 [rows, trees]
 */
function walk(
  node: GraphNode,
  context: RewriteContext,
  features: { x: string; rows: number; features: number },
  tables: TreeTables,
): string {
  const { rows } = features;
  const { roots, depth } = tables;
  const { x, places } = columnsOf(node, context, features.x, features.features, tables);
  const starts = Array.from({ length: rows }, () => roots).flat();
  const whole = (base: string, values: readonly number[], dims = [values.length]) =>
    context.addConstant(base, { type: "i64", dims, data: BigInt64Array.from(values, BigInt) });
  const feature = whole("feature", places);
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

const AGGREGATES = ["AVERAGE", "SUM", "MIN", "MAX"] as const;
type Aggregate = (typeof AGGREGATES)[number];

const EXTREMA: Readonly<Record<string, { readonly op: string; readonly none: number }>> = {
  MIN: { op: "ReduceMin", none: LARGEST },
  MAX: { op: "ReduceMax", none: -LARGEST },
};

/** What all trees together give each target: f32 [rows, targets]. A target that meets no weight gets 0. */
function aggregated(
  context: RewriteContext,
  leaves: string,
  tables: TreeTables,
  targets: number,
  aggregate: Aggregate,
): string {
  const trees = tables.roots.length;
  const extremum = EXTREMA[aggregate];
  const given = votes(context, leaves, tables, targets, extremum?.none ?? 0);
  if (!extremum) {
    const sum = sumOverTrees(context, given, trees);
    return aggregate === "SUM" ? sum : context.node("Div", [sum, floatScalar(context, trees)]);
  }
  const axes = context.addConstant("axes", i64Tensor([1]));
  const extreme = context.node(extremum.op, [given, axes], { keepdims: 0 });
  if (tables.alwaysWeighted.size === targets) return extreme;
  const isNone = context.node("Equal", [extreme, floatScalar(context, extremum.none)]);
  return context.node("Where", [isNone, floatScalar(context, 0), extreme]);
}

/** TreeEnsembleRegressor; with one target onnxruntime passes post_transform over, but for PROBIT. */
const regressor: Rewrite = (node, context) => {
  const input = readFeatures(node, context);
  const targets = intAttribute(node, "n_targets", 1);
  const tables = treeTables(
    readTrees(node, "target", targets, input.features, context.unsupported),
    context.unsupported,
  );
  const name = stringAttribute(node, "aggregate_function", "SUM");
  const aggregate = AGGREGATES.find((known) => known === name);
  if (!aggregate) throw context.unsupported(`aggregate_function ${name} is not supported`);
  const leaves = walk(node, context, input, tables);
  let scores = aggregated(context, leaves, tables, targets, aggregate);
  const base = floatsAttribute(node, "base_values") ?? [];
  if (base.length === targets) {
    scores = context.node("Add", [scores, floatConstant(context, base)]);
    // In onnxruntime a target that meets no weight keeps 0, whatever its base value.
    if (targets > 1) scores = whereWeighted(context, scores, leaves, tables, targets, 0);
  }
  const transform = stringAttribute(node, "post_transform", "NONE");
  giveOutput(node, context, 0, transformed(context, scores, transform, targets));
  return true;
};

/** TreeEnsemble of version 5. */
const ensemble: Rewrite = (node, context) => {
  const input = readFeatures(node, context);
  const targets = intAttribute(node, "n_targets", 1);
  const tables = treeTables(
    readTrees5(node, targets, input.features, context.unsupported),
    context.unsupported,
  );
  const code = intAttribute(node, "aggregate_function", 1);
  const aggregate = AGGREGATES[code];
  if (!aggregate) throw context.unsupported(`aggregate_function ${code} is not supported`);
  const scores = aggregated(context, walk(node, context, input, tables), tables, targets, aggregate);
  const transform = POST_TRANSFORMS[intAttribute(node, "post_transform", 0)] ?? "unknown";
  giveOutput(node, context, 0, transformed(context, scores, transform, targets));
  return true;
};

/** A regression's post_transform: of one target only PROBIT has an effect. */
function transformed(context: RewriteContext, scores: string, transform: string, targets: number): string {
  return targets > 1 || transform === "PROBIT" ? postTransform(context, scores, transform) : scores;
}

/** TreeEnsembleClassifier: labels i64 [rows] and scores f32 [rows, classes]. */
const classifier: Rewrite = (node, context) => {
  const labels = readLabels(node, context);
  const input = readFeatures(node, context);
  const tables = treeTables(
    readTrees(node, "class", labels.length, input.features, context.unsupported),
    context.unsupported,
  );
  const leaves = walk(node, context, input, tables);
  const sums = sumOverTrees(context, votes(context, leaves, tables, labels.length, 0), tables.roots.length);
  const base = floatsAttribute(node, "base_values") ?? [];
  const transform = stringAttribute(node, "post_transform", "NONE");
  if (labels.length === 2) binary(node, context, sums, tables, [labels[0] as number, labels[1] as number]);
  else {
    if (base.length !== 0 && base.length !== labels.length)
      throw context.unsupported(`it has ${base.length} base values for ${labels.length} classes`);
    const scores = base.length ? context.node("Add", [sums, floatConstant(context, base)]) : sums;
    // A class that meets no weight is not chosen.
    const judged = base.length
      ? scores
      : whereWeighted(context, scores, leaves, tables, labels.length, -LARGEST);
    giveOutput(node, context, 0, bestLabel(context, judged, labels));
    giveOutput(node, context, 1, postTransform(context, scores, transform));
  }
  return true;
};

/** The scores, another number where a row's leaves have no weight for a target. */
function whereWeighted(
  context: RewriteContext,
  scores: string,
  leaves: string,
  tables: TreeTables,
  targets: number,
  otherwise: number,
): string {
  if (tables.alwaysWeighted.size === targets) return scores;
  const marks = tables.weights.map((own) => new Map([...own.keys()].map((target) => [target, 1] as const)));
  const met = votes(context, leaves, { ...tables, weights: marks }, targets, 0);
  const axes = context.addConstant("axes", i64Tensor([1]));
  const most = context.node("ReduceMax", [met, axes], { keepdims: 0 });
  const isMet = context.node("Cast", [most], { to: ELEMENT_TYPES.bool.code });
  return context.node("Where", [isMet, scores, floatScalar(context, otherwise)]);
}

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

  const transform = stringAttribute(node, "post_transform", "NONE");

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
    giveOutput(node, context, 1, postTransform(context, pair(first, second), transform));
    return;
  }
  if (isSingle && arePositive) {
    const rest = context.node("Sub", [floatScalar(context, 1), first]);
    giveOutput(node, context, 1, pair(rest, first));
    return;
  }
  const both = pair(context.node("Neg", [first]), first);
  giveOutput(node, context, 1, transform === "LOGISTIC" ? context.node("Sigmoid", [both]) : both);
}

/** Ensembles of decision trees (ai.onnx.ml). */
export const TREE_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["ai.onnx.ml.TreeEnsemble", ensemble],
  ["ai.onnx.ml.TreeEnsembleClassifier", classifier],
  ["ai.onnx.ml.TreeEnsembleRegressor", regressor],
];
