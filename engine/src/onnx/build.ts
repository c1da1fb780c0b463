import { encodeAttribute } from "./encodeGraph.ts";
import { freshName } from "./freshName.ts";
import type { Attribute } from "./graph.ts";
import { encodeModel, type NodeProto, type TensorProto, type ValueInfoProto } from "./proto.ts";
import { ELEMENT_TYPES, type ElementType, type HostTensor, tensorToProto } from "./tensor.ts";

export type AttributeInput =
  | number
  | string
  | readonly number[]
  | HostTensor
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] };

/**
 * Writes ONNX models: the exact graph of a bundle, and the small models of tests.
 *
 * @example
 * const builder = new ModelBuilder(13);
 * builder.input("x", "f32", [1, 4]);
 * builder.node("Relu", ["x"], ["y"]);
 * builder.output("y", "f32", [1, 4]);
 * const bytes = builder.encode();
 */
export class ModelBuilder {
  readonly #opset: number;
  readonly #domains = new Map<string, number>();
  readonly #nodeNames = new Set<string>();
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];

  constructor(opset: number) {
    this.#opset = opset;
  }

  input(name: string, type: ElementType, dims: readonly (number | string)[]): this {
    this.#inputs.push(valueInfo(name, type, dims));
    return this;
  }

  output(name: string, type: ElementType, dims: readonly (number | string)[]): this {
    this.#outputs.push(valueInfo(name, type, dims));
    return this;
  }

  /** The version of a domain other than the standard one; without it the first. */
  domain(domain: string, version: number): this {
    this.#domains.set(domain, version);
    return this;
  }

  initializer(name: string, tensor: HostTensor): this {
    this.#initializers.push(tensorToProto(tensor, name));
    return this;
  }

  /**
   * Whole numbers become int attributes; write `{ float: 1 }` for a float.
   * @param op with its domain in front ("com.microsoft.QLinearConv") unless that is the standard one
   */
  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    name = "",
  ): this {
    const dot = op.lastIndexOf(".");
    const domain = op.slice(0, Math.max(0, dot));
    if (domain !== "" && !this.#domains.has(domain)) this.domain(domain, 1);
    this.#nodes.push({
      opType: op.slice(dot + 1),
      domain,
      // onnxruntime refuses two nodes of one name.
      name: freshName(this.#nodeNames, name || `${op}_${this.#nodes.length}`),
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([key, value]) => encodeAttribute(key, attributeOf(value))),
    });
    return this;
  }

  encode(): Uint8Array {
    return encodeModel({
      irVersion: 8,
      producerName: "surety",
      opsetImport: [
        { domain: "", version: this.#opset },
        ...[...this.#domains].map(([domain, version]) => ({ domain, version })),
      ],
      graph: {
        name: "exact",
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      },
    });
  }
}

function valueInfo(name: string, type: ElementType, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type].code, shape: { dim } } } };
}

/** An attribute's value as an imported graph has it. */
export function attributeOf(value: AttributeInput): Attribute {
  if (typeof value === "number")
    return Number.isInteger(value) ? { kind: "int", value } : { kind: "float", value };
  if (typeof value === "string") return { kind: "string", value };
  if ("float" in value) return { kind: "float", value: value.float };
  if ("floats" in value) return { kind: "floats", value: value.floats };
  if ("strings" in value) return { kind: "strings", value: value.strings };
  if ("data" in value) return { kind: "tensor", value };
  return { kind: "ints", value };
}
