import type { IntegerConstant } from "./integerConstants.ts";
import type { ElementType, HostTensor } from "./tensor.ts";

/** An attribute's value. `other` stands for graphs, types and sparse tensors, which no supported op has. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "tensor"; readonly value: HostTensor }
  | { readonly kind: "other" };

export interface GraphNode {
  /** The node's name, or its op and number where the file gives none. */
  readonly name: string;
  readonly op: string;
  /** "" for the standard ops. */
  readonly domain: string;
  /** Value names; "" is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  /** Names for symbolic dims, "?" for unknown ones; undefined if the file declares no shape. */
  readonly dims: readonly (number | string)[] | undefined;
}

/** An imported model: nodes in topological order, every value defined once and before its use. */
export interface Graph {
  /** Of the standard ops. */
  readonly opset: number;
  /** The versions that the file imports of other domains; one that is not here is in its first. */
  readonly domains?: ReadonlyMap<string, number>;
  readonly nodes: readonly GraphNode[];
  readonly initializers: ReadonlyMap<string, HostTensor>;
  /** Of initializers that folding dequantised: the model's own integers. */
  readonly integerConstants?: ReadonlyMap<string, IntegerConstant>;
  /** Without the initializers that old files list as inputs too. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

export function intAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "int" ? attribute.value : fallback;
}

export function floatAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "float" ? attribute.value : fallback;
}

export function stringAttribute(node: GraphNode, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "string" ? attribute.value : fallback;
}

export function intsAttribute(node: GraphNode, name: string): readonly number[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "ints" ? attribute.value : undefined;
}

export function floatsAttribute(node: GraphNode, name: string): readonly number[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "floats" ? attribute.value : undefined;
}

export function stringsAttribute(node: GraphNode, name: string): readonly string[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "strings" ? attribute.value : undefined;
}

export function tensorAttribute(node: GraphNode, name: string): HostTensor | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "tensor" ? attribute.value : undefined;
}

/** The op, with its domain in front unless that is the standard one. */
export function qualifiedOp({ op, domain }: GraphNode): string {
  return domain === "" ? op : `${domain}.${op}`;
}

/** How an error names a node: `Conv node "conv1"`. */
export function describeNode(node: GraphNode): string {
  return `${qualifiedOp(node)} node "${node.name}"`;
}
