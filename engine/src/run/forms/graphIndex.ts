import type { Graph, GraphNode } from "../../onnx/graph.ts";

/** Who makes and who reads a graph's values. */
export class GraphIndex {
  readonly #graph: Graph;
  readonly #outputs: ReadonlySet<string>;
  readonly #producers = new Map<string, GraphNode>();
  readonly #readers = new Map<string, GraphNode[]>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#producers.set(name, node);
      for (const name of new Set(node.inputs))
        this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
    }
  }

  producer(name: string): GraphNode | undefined {
    return this.#producers.get(name);
  }

  /** The nodes that read a value; undefined for an output of the graph, which others read too. */
  readers(name: string): readonly GraphNode[] | undefined {
    return this.#outputs.has(name) ? undefined : (this.#readers.get(name) ?? []);
  }

  /** The only reader of a value that is no output of the graph. */
  soleReader(name: string): GraphNode | undefined {
    const readers = this.readers(name);
    return readers?.length === 1 ? readers[0] : undefined;
  }

  /** A constant of f32 that is one number. */
  number(name: string | undefined): number | undefined {
    const constant = this.#graph.initializers.get(name ?? "");
    return constant?.type === "f32" && constant.data.length === 1 && constant.dims.length <= 1
      ? (constant.data[0] as number)
      : undefined;
  }

  /** All names that a new value must not have. */
  names(): Set<string> {
    const { inputs, initializers } = this.#graph;
    return new Set([...inputs.map(({ name }) => name), ...initializers.keys(), ...this.#producers.keys()]);
  }
}
