import type { Graph, GraphNode } from "../../onnx/graph.ts";
import { GraphIndex } from "./graphIndex.ts";

/**
 * The same function with MaxPool and Transpose in front of the QuantizeLinear that they read: there is less to quantise behind a pool, the f32 pool has a blocked
 * form behind a convolution, and a Transpose to channels-last is part of leaving that form. QuantizeLinear by one positive scale does not fall, so that the
 * largest of integers is the integer of the largest; the signs of zeros do not show in integers, and exact graphs have no NaN.
 */
export function earlyPools(graph: Graph): Graph {
  let nodes = graph.nodes;
  for (;;) {
    const index = new GraphIndex({ ...graph, nodes });
    const mover = nodes.find((node) => quantiserBefore(node, index));
    if (!mover) return { ...graph, nodes };
    const quantiser = quantiserBefore(mover, index) as GraphNode;
    // The value between them is now what moved in front; nothing else reads it.
    const [between = ""] = quantiser.outputs;
    const first = { ...mover, inputs: [quantiser.inputs[0] ?? ""], outputs: [between] };
    const second = { ...quantiser, inputs: [between, ...quantiser.inputs.slice(1)], outputs: mover.outputs };
    nodes = nodes.flatMap((node) => (node === quantiser ? [] : node === mover ? [first, second] : [node]));
  }
}

/** The QuantizeLinear in front of a MaxPool or Transpose, where they can change places. */
function quantiserBefore(node: GraphNode, index: GraphIndex): GraphNode | undefined {
  const isMover = node.op === "Transpose" || (node.op === "MaxPool" && !node.outputs[1]);
  if (!isMover || node.domain !== "") return undefined;
  const [input = ""] = node.inputs;
  const quantiser = index.producer(input);
  if (quantiser?.op !== "QuantizeLinear" || quantiser.domain !== "" || !index.soleReader(input))
    return undefined;
  const scale = index.number(quantiser.inputs[1]);
  const isFit = scale !== undefined && scale > 0 && isConvolved(quantiser.inputs[0] ?? "", index);
  return isFit ? quantiser : undefined;
}

const BETWEEN = new Set(["Clip", "MaxPool", "Mul", "Relu", "Transpose"]);

/** Whether a value comes from an f32 convolution by way of what has a blocked form; of others, bytes are faster to move than floats. */
function isConvolved(name: string, index: GraphIndex): boolean {
  for (let node = index.producer(name); node?.domain === ""; node = index.producer(node.inputs[0] ?? "")) {
    if (node.op === "Conv") return true;
    if (!BETWEEN.has(node.op)) return false;
  }
  return false;
}
