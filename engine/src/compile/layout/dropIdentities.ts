import type { Graph } from "../../onnx/graph.ts";
import type { CleanGraph } from "./cleanUp.ts";

/** Takes out every Identity, which copies a tensor, but where an input or a constant is an output as it stands, or one tensor is two outputs. */
export function dropIdentities(graph: Graph): CleanGraph {
  const isOutput = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const find = (name: string): string => {
    const next = renamed.get(name);
    return next === undefined ? name : find(next);
  };
  const kept = graph.nodes.filter((node) => {
    if (node.domain !== "" || node.op !== "Identity") return true;
    const [output = ""] = node.outputs;
    const input = find(node.inputs[0] ?? "");
    if (!isOutput.has(output)) renamed.set(output, input);
    else if (made.has(input) && !isOutput.has(input)) renamed.set(input, output);
    else return true;
    return false;
  });
  const nodes = kept.map((node) => ({
    ...node,
    inputs: node.inputs.map(find),
    outputs: node.outputs.map(find),
  }));
  return {
    graph: { ...graph, nodes },
    renamed: new Map([...renamed.keys()].map((name) => [name, find(name)])),
  };
}
