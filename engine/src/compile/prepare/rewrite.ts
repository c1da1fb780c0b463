import { FatalError } from "@surety/protocol";
import { type AttributeInput, attributeOf } from "../../onnx/build.ts";
import { freshName } from "../../onnx/freshName.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import { describeNode, qualifiedOp } from "../../onnx/graph.ts";
import type { ElementType, HostTensor } from "../../onnx/tensor.ts";

/** Type and sizes of a value. */
export interface ValueType {
  readonly type: ElementType;
  readonly dims: readonly number[];
}

/** What a rewriting of one node can ask and do. */
export interface RewriteContext {
  readonly opset: number;
  constant(name: string | undefined): HostTensor | undefined;
  /** Type and sizes of a value of the graph as it was before this pass. */
  typeOf(name: string): ValueType;
  /** The same, or undefined where it is not known. */
  findType(name: string): ValueType | undefined;
  /** A name no other value has. */
  freshName(base: string): string;
  /** Adds a node like the given one, its domain and attributes included: for other inputs or outputs. */
  keep(node: GraphNode): void;
  /** Adds a constant and returns its name. */
  addConstant(base: string, tensor: HostTensor): string;
  /** Adds a node of the standard domain with one new output, whose name is returned. */
  node(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeInput>>): string;
  /** Adds a node with given outputs. */
  nodeTo(
    outputs: readonly string[],
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeInput>>,
  ): void;
  unsupported(reason: string): FatalError;
}

/**
 * Replaces one node by others (added through the context) with the same outputs and returns true, or leaves it and returns false.
 * @throws FatalError MODEL_UNSUPPORTED
 */
export type Rewrite = (node: GraphNode, context: RewriteContext) => boolean;

/** Applies to every node the rewriting of its op, where there is one. Keys are ops, with "domain." in front unless standard. */
export function rewriteGraph(
  graph: Graph,
  rewrites: ReadonlyMap<string, Rewrite>,
  types: ReadonlyMap<string, ValueType>,
): { graph: Graph; changed: boolean } {
  const initializers = new Map(graph.initializers);
  const nodes: GraphNode[] = [];
  const taken = new Set([
    ...graph.inputs.map((input) => input.name),
    ...initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const fresh = (base: string) => freshName(taken, base);
  let changed = false;
  for (const node of graph.nodes) {
    const rewrite = rewrites.get(qualifiedOp(node));
    if (!rewrite) {
      nodes.push(node);
      continue;
    }
    const added: GraphNode[] = [];
    const nodeTo: RewriteContext["nodeTo"] = (outputs, op, inputs, attributes = {}) => {
      const entries = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)] as const);
      const name = `${node.name}/${op}${added.length === 0 ? "" : `_${added.length}`}`;
      added.push({ name, op, domain: "", inputs, outputs, attributes: new Map(entries) });
    };
    const findType = (name: string) => {
      const constant = initializers.get(name);
      return constant ? { type: constant.type, dims: constant.dims } : types.get(name);
    };
    const done = rewrite(node, {
      opset: graph.opset,
      findType,
      freshName: fresh,
      keep(like) {
        added.push({ ...like, name: added.length === 0 ? like.name : `${like.name}/${added.length}` });
      },
      constant: (name) => (name === undefined ? undefined : initializers.get(name)),
      typeOf(name) {
        const type = findType(name);
        if (!type) throw new FatalError("COMPILE_INTERNAL", `The type of "${name}" is not known.`);
        return type;
      },
      addConstant(base, tensor) {
        const name = fresh(`${node.name}/${base}`);
        initializers.set(name, tensor);
        return name;
      },
      node(op, inputs, attributes) {
        const output = fresh(`${node.outputs[0] || node.name}/${op.toLowerCase()}`);
        nodeTo([output], op, inputs, attributes);
        return output;
      },
      nodeTo,
      unsupported: (reason) =>
        new FatalError(
          "MODEL_UNSUPPORTED",
          `${describeNode(node)} does not fit the exact profile: ${reason}.`,
        ),
    });
    if (done) changed = true;
    nodes.push(...(done ? added : [node]));
  }
  return { graph: { ...graph, nodes, initializers }, changed };
}
