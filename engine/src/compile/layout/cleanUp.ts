import { encodeGraph } from "../../onnx/encodeGraph.ts";
import type { Graph } from "../../onnx/graph.ts";
import { importModel } from "../../onnx/import.ts";
import type { ExactModel } from "../lowerModel.ts";
import { dropIdentities } from "./dropIdentities.ts";
import { hideZeroSigns } from "./hideZeroSigns.ts";
import { mergeClips } from "./mergeClips.ts";
import { mergeDuplicates } from "./mergeDuplicates.ts";

/** A graph after a pass. */
export interface CleanGraph {
  readonly graph: Graph;
  /** Of tensors that are gone: those that are the same. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** The order matters: what one pass leaves is what the next one finds. */
const PASSES: readonly ((graph: Graph, kept: ReadonlySet<string>) => CleanGraph)[] = [
  dropIdentities,
  mergeDuplicates,
  hideZeroSigns,
  mergeClips,
  dropUnused,
];

/** The same model with fewer nodes in its exact graph: not a byte of an output or of a trace changes. */
export function cleanUp(model: ExactModel): ExactModel {
  let graph = importModel(model.graph);
  let { sources } = model;
  for (const pass of PASSES) {
    const kept = new Set([
      ...sources.flatMap((source) => source?.tensor ?? []),
      ...graph.outputs.map(({ name }) => name),
    ]);
    const { graph: next, renamed } = pass(graph, kept);
    graph = next;
    sources = sources.map((source) =>
      source === null ? null : { ...source, tensor: renamed.get(source.tensor) ?? source.tensor },
    );
  }
  return { ...model, graph: encodeGraph(graph), sources };
}

/** Without nodes and constants that nothing reads. */
function dropUnused(graph: Graph, kept: ReadonlySet<string>): CleanGraph {
  const used = new Set(kept);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => used.has(name))) return false;
    for (const name of node.inputs) used.add(name);
    return true;
  });
  const initializers = new Map([...graph.initializers].filter(([name]) => used.has(name)));
  return { graph: { ...graph, nodes: nodes.reverse(), initializers }, renamed: new Map() };
}
