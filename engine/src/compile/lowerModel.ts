import type { Graph, GraphNode } from "../onnx/graph.ts";
import type { Instruction } from "../program/instruction.ts";
import { Lowering } from "./lowering.ts";
import type { TraceSource, WeightTensor } from "./programBuilder.ts";
import type { ValueStatistics } from "./quantisation.ts";
import { RULES } from "./rules.ts";

/** A model in both its exact forms. */
export interface ExactModel {
  /** The ONNX file onnxruntime runs. */
  readonly graph: Uint8Array;
  readonly instructions: readonly Instruction[];
  /** Per instruction: what it computes, for people. */
  readonly names: readonly string[];
  /** Per instruction: where the exact graph has the same tensor; null where it does not. */
  readonly sources: readonly (TraceSource | null)[];
  readonly weights: readonly WeightTensor[];
  readonly inputs: readonly { readonly name: string; readonly dims: readonly number[] }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly instruction: number;
  }[];
}

/**
 * Turns a float graph that fits the profile into the exact graph and the program.
 *
 * @throws FatalError MODEL_UNSUPPORTED, COMPILE_RANGE, COMPILE_WEIGHTS, COMPILE_OVERFLOW, COMPILE_RANK
 */
export function lowerModel(graph: Graph, statistics: ReadonlyMap<string, ValueStatistics>): ExactModel {
  const live = withoutDeadNodes(graph);
  const lowering = new Lowering(live, statistics);
  for (const node of live.nodes) {
    if (!lowering.isAbsorbed(node)) RULES.get(node.op)?.lower(node, lowering);
  }
  const outputs = live.outputs.map(({ name }) => ({ name, ...lowering.finishOutput(name) }));
  const { instructions, names, sources, weights } = lowering.program;
  const inputs = live.inputs.map(({ name }) => ({ name, dims: lowering.dims(name) }));
  return { graph: lowering.exact.encode(), instructions, names, sources, weights, inputs, outputs };
}

/** Nodes that no output needs are left out. */
function withoutDeadNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const input of node.inputs) needed.add(input);
    nodes.push(node);
  }
  return { ...graph, nodes: nodes.reverse() };
}
