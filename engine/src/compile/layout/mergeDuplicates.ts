import type { Graph } from "../../onnx/graph.ts";
import { bytesOf, type HostTensor } from "../../onnx/tensor.ts";
import { sha256Hex } from "../../run/manifest.ts";
import type { CleanGraph } from "./cleanUp.ts";

/** Constants up to so many bytes are told apart by their bytes, larger ones by their hash. */
const SHORT_BYTES = 64;

/** Keeps one of all nodes that compute the same of the same, and one of all equal constants. */
export function mergeDuplicates(graph: Graph): CleanGraph {
  const isOutput = new Set(graph.outputs.map(({ name }) => name));
  const renamed = new Map<string, string>();
  const constants = new Map<string, string>();
  const initializers = new Map<string, HostTensor>();
  for (const [name, tensor] of graph.initializers) {
    const key = constantKey(tensor);
    const first = constants.get(key);
    if (first === undefined || isOutput.has(name)) {
      if (first === undefined) constants.set(key, name);
      initializers.set(name, tensor);
    } else {
      renamed.set(name, first);
    }
  }
  const known = new Map<string, readonly string[]>();
  const nodes = graph.nodes.flatMap((node) => {
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    const values = [...node.attributes.values()];
    if (values.some(({ kind }) => kind === "tensor" || kind === "other")) return [{ ...node, inputs }];
    const key = JSON.stringify([node.domain, node.op, inputs, [...node.attributes], node.outputs.length]);
    const first = known.get(key);
    if (first === undefined || node.outputs.some((name) => isOutput.has(name))) {
      if (first === undefined) known.set(key, node.outputs);
      return [{ ...node, inputs }];
    }
    for (const [k, name] of node.outputs.entries()) renamed.set(name, first[k] as string);
    return [];
  });
  return { graph: { ...graph, nodes, initializers }, renamed };
}

function constantKey(tensor: HostTensor): string {
  const bytes = bytesOf(tensor);
  const content = bytes.length <= SHORT_BYTES ? Buffer.from(bytes).toString("hex") : sha256Hex(bytes);
  return `${tensor.type} ${tensor.dims} ${content}`;
}
