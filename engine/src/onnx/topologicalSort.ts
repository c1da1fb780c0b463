import { FatalError } from "@surety/protocol";
import type { GraphNode } from "./graph.ts";

/**
 * The nodes in an order in which every value comes before its use; the given order if it already is one. Values that no
 * node computes are taken as given.
 *
 * @throws FatalError ONNX_CYCLE
 */
export function sortTopologically(nodes: readonly GraphNode[]): GraphNode[] {
  const producer = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const output of node.outputs) if (output !== "") producer.set(output, index);
  });
  const waiting = nodes.map(() => 0);
  const consumers: number[][] = nodes.map(() => []);
  let inOrder = true;
  nodes.forEach((node, index) => {
    for (const input of new Set(node.inputs)) {
      const from = producer.get(input);
      if (from === undefined) continue;
      waiting[index] = (waiting[index] ?? 0) + 1;
      consumers[from]?.push(index);
      if (from >= index) inOrder = false;
    }
  });
  if (inOrder) return [...nodes];

  const order = waiting.flatMap((count, index) => (count === 0 ? [index] : []));
  for (let next = 0; next < order.length; next++) {
    for (const consumer of consumers[order[next] as number] ?? []) {
      const left = (waiting[consumer] ?? 0) - 1;
      waiting[consumer] = left;
      if (left === 0) order.push(consumer);
    }
  }
  if (order.length < nodes.length) {
    const stuck = nodes.find((_, index) => (waiting[index] ?? 0) > 0);
    throw new FatalError(
      "ONNX_CYCLE",
      `The graph has a cycle; node "${stuck?.name}" waits for its own output.`,
    );
  }
  return order.map((index) => nodes[index] as GraphNode);
}
