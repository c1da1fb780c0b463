import type { Graph, GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import type { CleanGraph } from "./cleanUp.ts";

/** A node that bounds floats on one side by a scalar. */
interface Bound {
  readonly node: GraphNode;
  readonly value: string;
  readonly limit: string;
  readonly number: number;
}

/**
 * Min(Max(x, low), high), and Max(Min(x, high), low), in one pass: Clip(x, low, high). The sign of a zero is as open as it was: Clip takes the same maximum
 * and minimum.
 *
 * @param kept tensors that have to stay
 */
export function mergeClips(graph: Graph, kept: ReadonlySet<string>): CleanGraph {
  const uses = new Map<string, number>();
  for (const name of graph.nodes.flatMap((node) => node.inputs)) uses.set(name, (uses.get(name) ?? 0) + 1);
  const bounds = new Map<string, Bound>();
  const dropped = new Set<GraphNode>();
  const merged = new Map<GraphNode, GraphNode>();
  for (const node of graph.nodes) {
    const second = boundOf(node, graph.initializers);
    if (!second) continue;
    bounds.set(node.outputs[0] ?? "", second);
    const first = bounds.get(second.value);
    if (!first || first.node.op === node.op || uses.get(second.value) !== 1 || kept.has(second.value))
      continue;
    if (dropped.has(first.node) || merged.has(first.node)) continue;
    const [low, high] = node.op === "Min" ? [first, second] : [second, first];
    if (low.number > high.number) continue;
    dropped.add(first.node);
    merged.set(node, { ...node, op: "Clip", inputs: [first.value, low.limit, high.limit] });
  }
  const nodes = graph.nodes.flatMap((node) => (dropped.has(node) ? [] : [merged.get(node) ?? node]));
  return { graph: { ...graph, nodes }, renamed: new Map() };
}

function boundOf(node: GraphNode, initializers: ReadonlyMap<string, HostTensor>): Bound | undefined {
  if (node.domain !== "" || !["Max", "Min"].includes(node.op) || node.inputs.length !== 2) return undefined;
  const [a = "", b = ""] = node.inputs;
  for (const [value, limit] of [
    [a, b],
    [b, a],
  ] as const) {
    const constant = initializers.get(limit);
    // Clip's limits are scalars of no dimensions.
    if (constant?.type !== "f32" || constant.dims.length > 0 || initializers.has(value)) continue;
    return { node, value, limit, number: constant.data[0] as number };
  }
  return undefined;
}
