import type { GraphNode } from "../../onnx/graph.ts";
import type { GraphIndex } from "./graphIndex.ts";

/** x * Clip(Add(x, shift), low, high), where nothing else reads x, the sum or the clipped sum. */
export interface Swish {
  /** x */
  readonly source: string;
  readonly shifted: GraphNode;
  readonly clipped: GraphNode;
  readonly shift: number;
  readonly low: number;
  readonly high: number;
}

/** A hard swish without its division, if a node is the Mul that ends one. */
export function swishOf(node: GraphNode | undefined, index: GraphIndex): Swish | undefined {
  if (node?.op !== "Mul" || node.domain !== "" || node.inputs.length !== 2) return undefined;
  for (const [source = "", gate = ""] of [node.inputs, [...node.inputs].reverse()]) {
    const clipped = index.producer(gate);
    const shifted = index.producer(clipped?.inputs[0] ?? "");
    if (clipped?.op !== "Clip" || shifted?.op !== "Add") continue;
    const [shift, low, high] = [shifted.inputs[1], ...clipped.inputs.slice(1)].map((name) =>
      index.number(name),
    );
    if (shift === undefined || low === undefined || high === undefined) continue;
    if (shifted.inputs[0] !== source || index.readers(source)?.length !== 2) continue;
    if (!index.soleReader(gate) || !index.soleReader(shifted.outputs[0] ?? "")) continue;
    return { source, shifted, clipped, shift, low, high };
  }
  return undefined;
}
