import { attributeOf } from "../../onnx/build.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import { erf } from "./erf.ts";
import type { ValueType } from "./rewrite.ts";

/** How far back from an Erf or Tanh its argument begins at most, and how far behind it the function ends. */
const MOST_STEPS = 8;
/** Where a formula is compared with the function. */
const PROBES: readonly number[] = [-3.1, -1.7, -0.9, -0.31, 0.013, 0.45, 1.2, 2.6];
/** Models write the constants with 4 digits at least (0.7978, 0.044715). */
const TOLERANCE = 2e-5;

const gelu = (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2));
const geluTanh = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/**
 * Finds GELUs that a model writes out, as exporters do below opset 20: x/2 (1 + erf(x / sqrt 2)) in seven nodes or so, in any order of factors, or with
 * the tanh that approximates it. One Gelu is less work and more exact. The formula is not compared by its shape but by what it gives: from each value
 * that leads to an Erf or Tanh to each that follows from it, if the nodes between depend on nothing else.
 *
 * @param types of the graph's values
 */
export function findGelus(graph: Graph, types: ReadonlyMap<string, ValueType>): Graph {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const consumers = Map.groupBy(
    graph.nodes.flatMap((node) => [...new Set(node.inputs)].map((name) => ({ name, node }))),
    ({ name }) => name,
  );
  const scalar = (name: string) => {
    const constant = graph.initializers.get(name);
    return constant?.type === "f32" && constant.data.length === 1 ? (constant.data[0] as number) : undefined;
  };
  const found = new Map<GraphNode, GraphNode>();
  for (const node of graph.nodes) {
    if (!isStandard(node) || !(node.op === "Erf" || node.op === "Tanh")) continue;
    const sources = before(node, producers, scalar);
    const [expected, approximate] = node.op === "Erf" ? [gelu, "none"] : [geluTanh, "tanh"];
    for (const result of behind(node, consumers)) {
      const dims = (name = "") => `${types.get(name)?.dims}`;
      const source = sources.find(
        (name) =>
          types.get(name)?.type === "f32" &&
          dims(name) === dims(result.outputs[0]) &&
          isSame(result, name, expected, producers, scalar),
      );
      if (source === undefined) continue;
      const attributes = new Map([["approximate", attributeOf(approximate)]]);
      found.set(result, { ...result, op: "Gelu", inputs: [source], attributes });
      break;
    }
  }
  return { ...graph, nodes: graph.nodes.map((node) => found.get(node) ?? node) };
}

type Producers = ReadonlyMap<string, GraphNode>;
type Scalar = (name: string) => number | undefined;

const isStandard = (node: GraphNode | undefined) => node?.domain === "";

/** The values that lead to a node, the nearest first. */
function before(node: GraphNode, producers: Producers, scalar: Scalar): string[] {
  const names = new Set<string>();
  let level = node.inputs;
  for (let step = 0; step < MOST_STEPS && level.length > 0; step++) {
    const values = level.filter((name) => scalar(name) === undefined && !names.has(name));
    for (const name of values) names.add(name);
    level = values.flatMap((name) => {
      const producer = producers.get(name);
      return producer && producer.op in FORMULAS ? producer.inputs : [];
    });
  }
  return [...names];
}

/** The products that follow from a node, the furthest first. */
function behind(
  node: GraphNode,
  consumers: ReadonlyMap<string, readonly { node: GraphNode }[]>,
): GraphNode[] {
  const nodes: GraphNode[] = [];
  let current = node;
  for (let step = 0; step < MOST_STEPS; step++) {
    const [next, ...others] = consumers.get(current.outputs[0] ?? "") ?? [];
    if (!next || others.length > 0 || !(next.node.op in FORMULAS)) break;
    current = next.node;
    nodes.push(current);
  }
  return nodes.reverse();
}

const FORMULAS: Readonly<Record<string, (...operands: number[]) => number>> = {
  Add: (a = 0, b = 0) => a + b,
  Sub: (a = 0, b = 0) => a - b,
  Mul: (a = 0, b = 0) => a * b,
  Div: (a = 0, b = 0) => a / b,
  Pow: (a = 0, b = 0) => a ** b,
  Erf: (a = 0) => erf(a),
  Tanh: (a = 0) => Math.tanh(a),
};

/** Whether a node gives this function of a value, and of nothing else. */
function isSame(
  result: GraphNode,
  source: string,
  expected: (x: number) => number,
  producers: Producers,
  scalar: Scalar,
): boolean {
  return PROBES.every((x) => {
    const known = new Map([[source, x]]);
    const evaluate = (name: string, depth: number): number => {
      const value = known.get(name) ?? scalar(name);
      if (value !== undefined) return value;
      const node = producers.get(name);
      const formula = isStandard(node) ? FORMULAS[node?.op ?? ""] : undefined;
      if (!node || !formula || depth === 0) return Number.NaN;
      const own = formula(...node.inputs.map((input) => evaluate(input, depth - 1)));
      known.set(name, own);
      return own;
    };
    const difference = evaluate(result.outputs[0] ?? "", 2 * MOST_STEPS) - expected(x);
    return Math.abs(difference) <= TOLERANCE * Math.max(1, Math.abs(x));
  });
}
