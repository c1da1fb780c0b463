import { withoutDeadNodes } from "../../onnx/deadNodes.ts";
import { freshName } from "../../onnx/freshName.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { GraphIndex } from "./graphIndex.ts";
import { swishOf } from "./swish.ts";

/** Constants stay within these magnitudes, so that nothing computed with them leaves the normal numbers of f32. */
const [SMALLEST, LARGEST] = [2 ** -100, 2 ** 100];

/** A node's constant inputs that are to be multiplied by a power of two. */
interface Scaling {
  readonly node: GraphNode;
  readonly inputs: readonly number[];
  readonly power: number;
}

/**
 * The same function with multiplications by a power of two taken into the filters and biases of the convolutions in front, which is exact: where integers are
 * made of what a convolution gives (Mul, Clip, Round), only Clip and Round are left. Of a hard swish in between, both factors take half of the power.
 *
 * It needs what exact graphs are known for: an f32 Conv with a constant filter adds up whole multiples of a power of two, without rounding.
 */
export function foldedSteps(graph: Graph): Graph {
  const index = new GraphIndex(graph);
  const scalings = new Map<GraphNode, Scaling>();
  const renamed = new Map<string, string>();
  for (const node of graph.nodes) {
    const product = powerProduct(node, index);
    const found = product && scalingsOf(product.value, product.power, graph, index);
    if (!found) continue;
    for (const scaling of found) scalings.set(scaling.node, scaling);
    renamed.set(node.outputs[0] ?? "", product.value);
  }
  if (renamed.size === 0) return graph;
  const initializers = new Map(graph.initializers);
  const taken = index.names();
  const nodes = graph.nodes
    .filter((node) => !renamed.has(node.outputs[0] ?? ""))
    .map((node) => {
      const scaling = scalings.get(node);
      const inputs = node.inputs.map((name, at) => {
        if (!scaling?.inputs.includes(at)) return renamed.get(name) ?? name;
        const scaled = freshName(taken, `${name}.scaled`);
        initializers.set(scaled, times(initializers.get(name) as HostTensor, scaling.power));
        return scaled;
      });
      return { ...node, inputs };
    });
  return withoutDeadNodes({ ...graph, nodes, initializers });
}

/** A value times a power of two. */
function powerProduct(node: GraphNode, index: GraphIndex) {
  if (node.domain !== "" || node.op !== "Mul" || !index.readers(node.outputs[0] ?? "")) return undefined;
  const [a = "", b = ""] = node.inputs;
  for (const [value, factor] of [
    [a, b],
    [b, a],
  ] as const) {
    const power = index.number(factor);
    if (power !== undefined && isPowerOfTwo(power)) return { value, power };
  }
  return undefined;
}

const isPowerOfTwo = (value: number) => 2 ** Math.round(Math.log2(value)) === value;

/**
 * How to have a value multiplied by a power of two where it comes from; undefined where that cannot be.
 * @param readers nodes that are known to read it; others must not
 */
function scalingsOf(
  value: string,
  power: number,
  graph: Graph,
  index: GraphIndex,
  readers = 1,
): readonly Scaling[] | undefined {
  const node = index.producer(value);
  if (node?.domain !== "" || index.readers(value)?.length !== readers) return undefined;
  const [a = "", b = ""] = node.inputs;
  const constants = (inputs: readonly number[], of = node, by = power): readonly Scaling[] | undefined => {
    const isFit = inputs.every((at) => canScale(graph.initializers.get(of.inputs[at] ?? ""), by));
    return isFit ? [{ node: of, inputs, power: by }] : undefined;
  };
  const before = (name: string) => scalingsOf(name, power, graph, index);
  switch (node.op) {
    case "Conv":
      return constants([1, 2]);
    case "Relu":
      return before(a);
    case "Clip":
      return together(before(a), constants([1, 2]));
    case "Add":
      return a === b ? undefined : together(before(a), before(b));
    case "Mul": {
      const swish = swishOf(node, index);
      const root = Math.sqrt(power);
      if (!swish || !isPowerOfTwo(root)) return undefined;
      return together(
        scalingsOf(swish.source, root, graph, index, 2),
        constants([1], swish.shifted, root),
        constants([1, 2], swish.clipped, root),
      );
    }
    default:
      return undefined;
  }
}

function together(...parts: readonly (readonly Scaling[] | undefined)[]): readonly Scaling[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

function canScale(constant: HostTensor | undefined, power: number): boolean {
  if (constant?.type !== "f32") return false;
  return (constant.data as Float32Array).every((value) => {
    const magnitude = Math.abs(value * power);
    return value === 0 || (magnitude >= SMALLEST && magnitude <= LARGEST);
  });
}

function times({ data, ...rest }: HostTensor, power: number): HostTensor {
  return { ...rest, data: (data as Float32Array).map((value) => value * power) };
}
