import { withoutDeadNodes } from "../../onnx/deadNodes.ts";
import { type Graph, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES } from "../../onnx/tensor.ts";
import { GraphIndex } from "./graphIndex.ts";

const WHOLE = new Set(["Round", "Floor", "Ceil"]);
const SUMS = new Set(["ReduceSum"]);
const CODE = { f32: ELEMENT_TYPES.f32.code, f64: ELEMENT_TYPES.f64.code, i32: ELEMENT_TYPES.i32.code };

/**
 * The same function with sums of integers straight from whole floats and to floats: Round, Cast to i32, Cast to f64 is Round, Cast to f64, and ReduceSum of
 * f64, Cast to i32, Cast to f32 is one Cast. In an exact graph what is cast to i32 is within i32, so that each way rounds the same number once.
 */
export function fewerCasts(graph: Graph): Graph {
  const index = new GraphIndex(graph);
  const isCast = (node: GraphNode | undefined, to: number) =>
    node?.domain === "" && node.op === "Cast" && intAttribute(node, "to", 0) === to;
  const nodes = graph.nodes.map((node) => {
    const before = index.producer(node.inputs[0] ?? "");
    if (!before || !isCast(before, CODE.i32)) return node;
    const origin = index.producer(before.inputs[0] ?? "");
    const isFit = isCast(node, CODE.f64)
      ? origin?.domain === "" && WHOLE.has(origin.op)
      : isCast(node, CODE.f32) && origin?.domain === "" && SUMS.has(origin.op) && isSumOfDoubles(origin);
    return isFit ? { ...node, inputs: before.inputs } : node;
  });
  return withoutDeadNodes({ ...graph, nodes });

  function isSumOfDoubles({ inputs }: GraphNode): boolean {
    return isCast(index.producer(inputs[0] ?? ""), CODE.f64);
  }
}
