import type { Attribute, Graph, GraphValue } from "./graph.ts";
import { type AttributeProto, encodeModel, type ValueInfoProto } from "./proto.ts";
import { ELEMENT_TYPES, tensorToProto } from "./tensor.ts";

export function encodeAttribute(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.kind) {
    case "int":
      return { name, type: 2, i: attribute.value };
    case "float":
      return { name, type: 1, f: attribute.value };
    case "string":
      return { name, type: 3, s: Buffer.from(attribute.value) };
    case "ints":
      return { name, type: 7, ints: [...attribute.value] };
    case "floats":
      return { name, type: 6, floats: [...attribute.value] };
    case "strings":
      return { name, type: 8, strings: attribute.value.map((text) => Buffer.from(text)) };
    case "tensor":
      return { name, type: 4, t: tensorToProto(attribute.value, "") };
    case "other":
      return { name };
  }
}

/**
 * A graph as an ONNX file.
 *
 * @param outputs values to return instead of the graph's outputs
 */
export function encodeGraph(graph: Graph, outputs?: readonly string[]): Uint8Array {
  const domains = new Set(graph.nodes.map((node) => node.domain));
  domains.delete("");
  return encodeModel({
    irVersion: 8,
    opsetImport: [
      { domain: "", version: graph.opset },
      ...[...domains].map((domain) => ({ domain, version: graph.domains?.get(domain) ?? 1 })),
    ],
    graph: {
      name: "graph",
      node: graph.nodes.map((node) => ({
        opType: node.op,
        name: node.name,
        domain: node.domain,
        input: [...node.inputs],
        output: [...node.outputs],
        attribute: [...node.attributes].map(([name, value]) => encodeAttribute(name, value)),
      })),
      initializer: [...graph.initializers].map(([name, tensor]) => tensorToProto(tensor, name)),
      input: graph.inputs.map(valueInfo),
      output: outputs ? outputs.map((name) => ({ name })) : graph.outputs.map(valueInfo),
    },
  });
}

function valueInfo({ name, type, dims }: GraphValue): ValueInfoProto {
  const shape = dims ? { shape: { dim: dims.map(dimension) } } : {};
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type].code, ...shape } } };
}

function dimension(size: number | string) {
  return typeof size === "number" ? { dimValue: size } : { dimParam: size };
}
