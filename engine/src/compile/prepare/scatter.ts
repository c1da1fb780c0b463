import { type GraphNode, intAttribute, stringAttribute } from "../../onnx/graph.ts";
import { product, rowMajorStrides } from "../view.ts";
import { axisOf, constantNumbers, list, tensorOf } from "./movement.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** How an update meets what is there. */
const REDUCTIONS: Readonly<Record<string, string>> = { add: "Add", mul: "Mul", max: "Max", min: "Min" };

/** ScatterElements with constant indices. */
const scatterElements: Rewrite = (node, context) => {
  const [data = "", indicesName = ""] = node.inputs;
  const { dims } = context.typeOf(data);
  const axis = axisOf(intAttribute(node, "axis", 0), dims.length);
  const strides = rowMajorStrides(dims);
  const indices = constantNumbers(context, indicesName, "index list");
  const indexDims = context.typeOf(indicesName).dims;
  const indexStrides = rowMajorStrides(indexDims);
  const targets = indices.map((index, k) =>
    indexDims.reduce((target, size, dimension) => {
      const own = Math.floor(k / (indexStrides[dimension] as number)) % size;
      const position = dimension === axis ? axisOf(index, dims[axis] as number) : own;
      return target + position * (strides[dimension] as number);
    }, 0),
  );
  return scatter(node, context, targets);
};

/** ScatterND with constant indices. */
const scatterND: Rewrite = (node, context) => {
  const [data = "", indicesName = ""] = node.inputs;
  const { dims } = context.typeOf(data);
  const indices = constantNumbers(context, indicesName, "index list");
  const depth = context.typeOf(indicesName).dims.at(-1) as number;
  const strides = rowMajorStrides(dims);
  const inner = product(dims.slice(depth));
  const targets = Array.from({ length: (indices.length / depth) * inner }, (_, k) => {
    const row = Math.floor(k / inner);
    let target = k % inner;
    for (let d = 0; d < depth; d++) {
      const index = axisOf(indices[row * depth + d] as number, dims[d] as number);
      target += index * (strides[d] as number);
    }
    return target;
  });
  return scatter(node, context, targets);
};

/**
 * Puts update number k at element `targets[k]` of the data: each round takes at most one update for an element, and is a Gather and a Where
 * with constant tables.
 */
function scatter(node: GraphNode, context: RewriteContext, targets: readonly number[]): boolean {
  const [data = "", , updates = ""] = node.inputs;
  const { dims, type } = context.typeOf(data);
  if (type === "bool" || type === "i8") throw context.unsupported(`it scatters ${type}`);
  if (targets.some((target) => target < 0 || target >= product(dims)))
    throw context.unsupported("an index is out of its dimension");
  const reduction = stringAttribute(node, "reduction", "none");
  const op = REDUCTIONS[reduction];
  const rounds: Map<number, number>[] = [];
  const met = new Map<number, number>();
  targets.forEach((target, update) => {
    const round = op === undefined ? 0 : (met.get(target) ?? 0);
    met.set(target, round + 1);
    rounds[round] ??= new Map();
    rounds[round].set(target, update);
  });
  const flat = context.node("Reshape", [updates, list(context, [-1])]);
  let result = data;
  for (const round of rounds) {
    const sources = Array.from({ length: product(dims) }, (_, element) => round.get(element));
    const table = context.addConstant(
      "sources",
      tensorOf(
        "i64",
        dims,
        sources.map((source) => source ?? 0),
      ),
    );
    const mask = sources.map((source) => Number(source !== undefined));
    const picked = context.node("Gather", [flat, table], { axis: 0 });
    const value = op === undefined ? picked : context.node(op, [result, picked]);
    result = context.node("Where", [
      context.addConstant("mask", tensorOf("bool", dims, mask)),
      value,
      result,
    ]);
  }
  context.nodeTo(node.outputs, "Identity", [result]);
  return true;
}

export const SCATTER_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["ScatterElements", scatterElements],
  ["ScatterND", scatterND],
];
