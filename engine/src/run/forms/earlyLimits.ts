import { freshName } from "../../onnx/freshName.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import { GraphIndex } from "./graphIndex.ts";
import { type Swish, swishOf } from "./swish.ts";

/**
 * The same function with the limits of integers made of a hard swish, Round(Clip(x * Clip(x + shift, 0, top), low, high)), where x comes from: right behind the
 * convolution, which limits its results itself in blocks. With x at most `last`, everything rounds as it did: what is larger gives `high` either way. With x at
 * least -shift, what is smaller gives 0 either way.
 */
export function earlyLimits(graph: Graph): Graph {
  const index = new GraphIndex(graph);
  const limits = new Map<GraphNode, readonly [number, number]>();
  const renamed = new Map<string, string>();
  for (const node of graph.nodes) {
    const [input = ""] = node.inputs;
    const swish =
      node.op === "Clip" && index.soleReader(input) ? swishOf(index.producer(input), index) : undefined;
    if (!swish || index.soleReader(node.outputs[0] ?? "")?.op !== "Round") continue;
    const range = rangeBefore(swish, index.number(node.inputs[1]), index.number(node.inputs[2]));
    const convolution = index.producer(swish.source);
    if (!range || convolution?.op !== "Conv") continue;
    limits.set(convolution, range);
    renamed.set(node.outputs[0] ?? "", input);
  }
  const initializers = new Map(graph.initializers);
  const taken = index.names();
  const number = (value: number) => {
    const name = freshName(taken, "limit");
    initializers.set(name, { type: "f32", dims: [], data: Float32Array.of(value) });
    return name;
  };
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    const [output = ""] = node.outputs;
    if (renamed.has(output)) return [];
    const renewed = { ...node, inputs: node.inputs.map((name) => renamed.get(name) ?? name) };
    const range = limits.get(node);
    if (!range) return [renewed];
    const free = freshName(taken, `${output}.free`);
    const clip = { name: free, op: "Clip", domain: "", attributes: new Map(), outputs: [output] };
    return [
      { ...renewed, outputs: [free] },
      { ...clip, inputs: [free, ...range.map(number)] },
    ];
  });
  return { ...graph, nodes, initializers };
}

/** The range of x that gives the same integers as limits behind the swish; undefined where there may be none. */
function rangeBefore(
  { shift, low: bottom, high: top }: Swish,
  low: number | undefined,
  high: number | undefined,
): readonly [number, number] | undefined {
  if (low === undefined || high === undefined || !Number.isInteger(high) || high <= 0) return undefined;
  // The least value of x (x + shift) is -shift^2 / 4; a third leaves room for rounding.
  if (bottom !== 0 || !(shift > 0) || top < shift || low > -(shift ** 2) / 3) return undefined;
  const swish = (x: number) => Math.fround(x * Math.min(top, Math.fround(x + shift)));
  // Bisected on the bits of positive floats, which are in their order: it does not fall for x >= 0.
  const word = new DataView(new ArrayBuffer(4));
  const float = (bits: number) => {
    word.setUint32(0, bits);
    return word.getFloat32(0);
  };
  let [last, beyond] = [0, 0x7f7fffff];
  while (beyond - last > 1) {
    const middle = Math.floor((last + beyond) / 2);
    if (swish(float(middle)) <= high) last = middle;
    else beyond = middle;
  }
  return swish(float(last)) > high - 0.5 ? [-shift, float(last)] : undefined;
}
