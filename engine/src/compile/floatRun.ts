import type { InferenceSession } from "onnxruntime-node";
import type { InputSample } from "../inputs/readInputs.ts";
import { checkSizes, sizeInputs } from "../onnx/checkSizes.ts";
import { encodeGraph } from "../onnx/encodeGraph.ts";
import type { Graph, GraphNode } from "../onnx/graph.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";

/** Bytes of values that one session hands over at once; a single value may be larger. */
const SEGMENT_BYTES = 32 * 2 ** 20;

/** A run of nodes in a session of its own. */
interface Segment {
  readonly session: InferenceSession;
  /** The number of the first node behind it. */
  readonly end: number;
}

/**
 * Runs a float graph and hands over every value it computes, while only the values that later nodes read and those of one segment of the graph are in memory:
 * onnxruntime keeps all outputs of a session until it is done. The graph is run as it is written, node by node, so that cutting it changes no value. On one
 * thread, since the order of float sums may depend on how many there are.
 */
export class FloatRun {
  readonly #graph: Graph;
  /** By value: the number of the last node that reads it. */
  readonly #lastReader = new Map<string, number>();
  readonly #segments: Segment[] = [];

  /** @param graph its inputs' sizes fixed */
  constructor(graph: Graph) {
    this.#graph = graph;
    graph.nodes.forEach((node, index) => {
      for (const input of node.inputs) this.#lastReader.set(input, index);
    });
  }

  /**
   * @param visit is given each value once, in the order of nodes, before the next are computed
   * @throws FatalError ONNX_REFUSED; ONNX_SHAPE for nodes that values tell to make something huge; what onnxruntime throws
   */
  async run(sample: InputSample, visit: (name: string, value: HostTensor) => void): Promise<void> {
    const live = new Map<string, HostTensor>(Object.entries(sample));
    let start = 0;
    // The first segment is one node; what its values take says how many the next may be.
    let count = 1;
    for (let number = 0; start < this.#graph.nodes.length; number++) {
      const segment = this.#segments[number] ?? (await this.#open(start, start + count, live));
      this.#segments[number] = segment;
      const { session, end } = segment;
      const feeds = session.inputNames.map((name) => [name, live.get(name) as HostTensor] as const);
      const results = await runSession(session, Object.fromEntries(feeds));
      let most = 1;
      for (const [name, value] of Object.entries(results)) {
        visit(name, value);
        most = Math.max(most, value.data.byteLength);
        live.set(name, value);
      }
      for (const name of live.keys()) if ((this.#lastReader.get(name) ?? -1) < end) live.delete(name);
      count = Math.max(1, Math.min(2 * (end - start), Math.floor(SEGMENT_BYTES / most)));
      start = end;
    }
  }

  async release(): Promise<void> {
    for (const { session } of this.#segments.splice(0)) await session.release();
  }

  async #open(start: number, end: number, live: ReadonlyMap<string, HostTensor>): Promise<Segment> {
    const nodes = this.#graph.nodes.slice(start, this.#endBefore(start, end));
    const known = (name: string) => this.#graph.initializers.get(name) ?? live.get(name);
    for (const node of nodes) checkSizes(node, known);
    const session = await createSession(encodeGraph(this.#part(nodes, live), outputsOf(nodes)), {
      intraOpNumThreads: 1,
      keepMemory: false,
    });
    return { session, end: start + nodes.length };
  }

  /** The end of a segment, before a node whose result is as large as a value of the segment says: that is looked at first. */
  #endBefore(start: number, end: number): number {
    const made = new Set<string>();
    for (let at = start; at < Math.min(end, this.#graph.nodes.length); at++) {
      const node = this.#graph.nodes[at] as GraphNode;
      if (at > start && sizeInputs(node).some((name) => made.has(name))) return at;
      for (const output of node.outputs) made.add(output);
    }
    return end;
  }

  /** Some nodes as a graph that reads what is live. */
  #part(nodes: readonly GraphNode[], live: ReadonlyMap<string, HostTensor>): Graph {
    const { initializers } = this.#graph;
    const read = new Set(nodes.flatMap((node) => node.inputs));
    const inputs = [...read].flatMap((name) => {
      const value = initializers.has(name) ? undefined : live.get(name);
      return value ? [{ name, type: value.type, dims: value.dims }] : [];
    });
    const own = new Map([...initializers].filter(([name]) => read.has(name)));
    return { ...this.#graph, nodes, inputs, initializers: own };
  }
}

function outputsOf(nodes: readonly GraphNode[]): string[] {
  return nodes.flatMap((node) => node.outputs).filter((name) => name !== "");
}
