import type { GraphNode } from "../onnx/graph.ts";
import type { Lowering } from "./lowering.ts";
import { parametersOf } from "./prepare/arrangeQuantisation.ts";
import type { Quantisation } from "./quantisation.ts";

/** Ops that commute with a quantisation that is the same for all elements: they choose elements and compute none. */
const COMMUTES = new Set(
  "Reshape Transpose Squeeze Unsqueeze Flatten Identity Dropout Slice Expand Gather MaxPool Concat".split(
    " ",
  ),
);

/**
 * Tells the lowering of every value that all readers quantise alike, by the model's own parameters: what computes it can write those integers
 * at once.
 */
export function preferGiven(lowering: Lowering): void {
  const wanted = new Map<string, Quantisation>();
  for (const node of [...lowering.graph.nodes].reverse()) {
    for (const output of node.outputs) {
      const quantisation = demandOf(output, lowering, wanted);
      if (!quantisation) continue;
      wanted.set(output, quantisation);
      lowering.prefer(output, quantisation);
    }
  }
}

function demandOf(
  name: string,
  lowering: Lowering,
  wanted: ReadonlyMap<string, Quantisation>,
): Quantisation | undefined {
  const readers = lowering.consumers(name);
  if (readers.length === 0 || lowering.isOutput(name)) return undefined;
  const demands = readers.map((node) => demandBy(node, name, lowering, wanted));
  const [first] = demands;
  const agree = demands.every((demand) => demand?.scale === first?.scale && demand?.zero === first?.zero);
  return agree ? first : undefined;
}

function demandBy(
  node: GraphNode,
  name: string,
  lowering: Lowering,
  wanted: ReadonlyMap<string, Quantisation>,
): Quantisation | undefined {
  if (node.domain !== "") return undefined;
  if (node.op === "QuantizeLinear" && node.inputs[0] === name) {
    const parameters = parametersOf(node, lowering.graph);
    return parameters?.type === "u8" ? { scale: parameters.scale, zero: parameters.zero } : undefined;
  }
  const isData = node.op === "Concat" || node.inputs[0] === name;
  return COMMUTES.has(node.op) && isData ? wanted.get(node.outputs[0] ?? "") : undefined;
}
