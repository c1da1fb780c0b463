import type { Graph, GraphNode } from "../onnx/graph.ts";
import type { Lowering } from "./lowering.ts";

/** How one ONNX op becomes exact. */
export interface Rule {
  /** Why this node does not fit the exact profile, or undefined if it does. Needs no shapes. */
  check(node: GraphNode, graph: Graph): string | undefined;
  /**
   * Emits exact nodes and instructions, and records the node's output.
   * @throws FatalError MODEL_UNSUPPORTED for what only shapes can tell
   */
  lower(node: GraphNode, lowering: Lowering): void;
}

export function isConstant(graph: Graph, name: string | undefined): boolean {
  return name !== undefined && graph.initializers.has(name);
}

/** The check most ops share: the data input is no constant, the others are. */
export function checkOperands(
  node: GraphNode,
  graph: Graph,
  constants: readonly string[],
): string | undefined {
  if (isConstant(graph, node.inputs[0])) return "its data input is a constant that could not be folded";
  for (let k = 1; k < node.inputs.length; k++) {
    const name = node.inputs[k];
    if (name !== "" && !isConstant(graph, name))
      return `its ${constants[k - 1] ?? `input ${k}`} is not a constant`;
  }
  return undefined;
}
