import { withoutDeadNodes } from "../../onnx/deadNodes.ts";
import { type Graph, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES } from "../../onnx/tensor.ts";
import { GraphIndex } from "./graphIndex.ts";

const WHOLE = new Set(["Round", "Floor", "Ceil"]);
const { f64, i32 } = ELEMENT_TYPES;

/**
 * The same function with sums of integers straight from whole floats: Round, Cast to i32, Cast to f64, ReduceSum, Cast to i32 without the first of these Casts. In
 * an exact graph what is cast to i32 is within i32. A sum of nothing but -0 may be -0, which the Cast behind it makes 0.
 */
export function fewerCasts(graph: Graph): Graph {
  const index = new GraphIndex(graph);
  const isCast = (node: GraphNode | undefined, { code }: { readonly code: number }) =>
    node?.domain === "" && node.op === "Cast" && intAttribute(node, "to", 0) === code;
  const isSummed = (name: string) =>
    index
      .readers(name)
      ?.every(
        ({ op, domain, outputs: [sum = ""] }) =>
          op === "ReduceSum" && domain === "" && index.readers(sum)?.every((node) => isCast(node, i32)),
      );
  const nodes = graph.nodes.map((node) => {
    const before = isCast(node, f64) ? index.producer(node.inputs[0] ?? "") : undefined;
    if (!before || !isCast(before, i32) || !isSummed(node.outputs[0] ?? "")) return node;
    const origin = index.producer(before.inputs[0] ?? "");
    return origin?.domain === "" && WHOLE.has(origin.op) ? { ...node, inputs: before.inputs } : node;
  });
  return withoutDeadNodes({ ...graph, nodes });
}
