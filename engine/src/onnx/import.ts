import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { FatalError, UsageError } from "@surety/protocol";
import type { Attribute, Graph, GraphNode, GraphValue } from "./graph.ts";
import {
  type AttributeProto,
  decodeModel,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";
import { elementTypeOf, type HostTensor, tensorFromProto } from "./tensor.ts";
import { sortTopologically } from "./topologicalSort.ts";

export interface ImportOptions {
  /** Where external data may lie; without it they are refused. */
  readonly folder?: string;
  /**
   * Sizes for dims that the file leaves open, by name; a dim without a name, or one input's alone, as `input.axis`
   * (`{ batch: 1, "image.2": 224 }`).
   */
  readonly dims?: Readonly<Record<string, number>>;
  /** Inputs that become constants: the shapes, axes and counts that some models take as inputs decide sizes, which must be fixed. */
  readonly fixed?: Readonly<Record<string, HostTensor>>;
}

/**
 * Reads an ONNX file into a graph: bounded in time and memory by the file's size.
 *
 * @throws FatalError ONNX_MALFORMED, ONNX_OPSET, ONNX_TYPE, ONNX_SHAPE, ONNX_DATA_LENGTH, ONNX_VALUE, ONNX_EXTERNAL_DATA,
 * ONNX_DUPLICATE_NAME, ONNX_MISSING_VALUE, ONNX_CYCLE, ONNX_UNSUPPORTED
 */
export function importModel(bytes: Uint8Array, options: ImportOptions = {}): Graph {
  const model = decodeModel(bytes);
  const proto = model.graph ?? {};
  const opset = (model.opsetImport ?? []).find((entry) => isStandard(entry.domain))?.version ?? 1;
  if (opset < 7 || opset > 26) {
    throw new FatalError(
      "ONNX_OPSET",
      `The model uses opset ${opset}; 7 to 26 are supported. Convert it with onnx.version_converter.`,
    );
  }
  if ((proto.sparseInitializer ?? []).length > 0) {
    throw new FatalError("ONNX_UNSUPPORTED", "The model has sparse initializers, which are not supported.");
  }

  checkNames(proto);
  const defined = new Set<string>();
  const define = (name: string, what: string) => {
    if (defined.has(name)) {
      throw new FatalError("ONNX_DUPLICATE_NAME", `The value "${name}" is defined twice (again by ${what}).`);
    }
    defined.add(name);
  };

  const initializers = new Map<string, HostTensor>();
  for (const tensor of proto.initializer ?? []) {
    const name = tensor.name ?? "";
    define(name, "an initializer");
    initializers.set(name, tensorFromProto(tensor, `Initializer "${name}"`, externalReader(options.folder)));
  }
  const fixed = options.fixed ?? {};
  const inputs: GraphValue[] = [];
  for (const info of proto.input ?? []) {
    if (initializers.has(info.name ?? "")) continue;
    define(info.name ?? "", "a graph input");
    const input = readValueInfo(info, "input", options.dims ?? {});
    const value = Object.hasOwn(fixed, input.name) ? fixed[input.name] : undefined;
    if (value) initializers.set(input.name, requireLike(value, input));
    else inputs.push(input);
  }
  const nodes = (proto.node ?? []).map(readNode);
  for (const node of nodes) {
    for (const output of node.outputs) if (output !== "") define(output, `node "${node.name}"`);
  }
  const outputs = (proto.output ?? []).map((info) => readValueInfo(info, "output", options.dims ?? {}));
  if (outputs.length === 0) throw new FatalError("ONNX_MALFORMED", "The model has no outputs.");
  if (new Set(outputs.map((output) => output.name)).size !== outputs.length) {
    throw new FatalError("ONNX_DUPLICATE_NAME", "The model lists the same output twice.");
  }
  for (const output of outputs) {
    if (!defined.has(output.name)) {
      throw new FatalError("ONNX_MISSING_VALUE", `Nothing computes the model's output "${output.name}".`);
    }
  }
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (input !== "" && !defined.has(input)) {
        throw new FatalError(
          "ONNX_MISSING_VALUE",
          `Nothing computes "${input}", an input of node "${node.name}".`,
        );
      }
    }
  }
  const others = (model.opsetImport ?? []).filter((entry) => !isStandard(entry.domain));
  const domains = new Map(others.map(({ domain = "", version }) => [domain, Number(version ?? 1)]));
  return { opset, domains, nodes: sortTopologically(nodes), initializers, inputs, outputs };
}

/** Names end up in errors, logs and manifests, which are read line by line. */
function checkNames(graph: GraphProto): void {
  const names = [
    ...(graph.initializer ?? []).map((tensor) => tensor.name),
    ...[...(graph.input ?? []), ...(graph.output ?? [])].flatMap((info) => [
      info.name,
      ...(info.type?.tensorType?.shape?.dim ?? []).map((dim) => dim.dimParam),
    ]),
    ...(graph.node ?? []).flatMap((node) => [
      node.name,
      node.opType,
      node.domain,
      ...(node.input ?? []),
      ...(node.output ?? []),
      ...(node.attribute ?? []).map((attribute) => attribute.name),
    ]),
  ];
  const bad = names.find((name) => name !== undefined && (/\p{Cc}/u.test(name) || name.length > 1000));
  if (bad !== undefined) {
    const shown = JSON.stringify(bad.slice(0, 60));
    throw new FatalError(
      "ONNX_MALFORMED",
      `The name ${shown} holds control characters or is too long. Export the model again.`,
    );
  }
}

function isStandard(domain: string | undefined): boolean {
  return domain === undefined || domain === "" || domain === "ai.onnx";
}

function readValueInfo(
  info: ValueInfoProto,
  role: string,
  sizes: Readonly<Record<string, number>>,
): GraphValue {
  const name = info.name ?? "";
  const tensor = info.type?.tensorType;
  const type = elementTypeOf(tensor?.elemType);
  if (type === undefined) {
    throw new FatalError(
      "ONNX_TYPE",
      `The ${role} "${name}" is not a tensor of a supported element type (code ${tensor?.elemType ?? 0}).`,
    );
  }
  const sizeOf = (dim: string) => (Object.hasOwn(sizes, dim) ? sizes[dim] : undefined);
  const dims = tensor?.shape?.dim?.map((dim, axis) => {
    const open = dim.dimParam || "?";
    const given = role === "input" ? (sizeOf(`${name}.${axis}`) ?? sizeOf(open)) : sizeOf(open);
    if (dim.dimParam) return given ?? open;
    // protobufjs puts defaults on the prototype
    if (!Object.hasOwn(dim, "dimValue")) return given ?? open;
    const size = Number(dim.dimValue);
    if (size < 0) return given ?? open;
    if (!Number.isSafeInteger(size))
      throw new FatalError("ONNX_SHAPE", `The ${role} "${name}" has a dimension of ${size}.`);
    return size;
  });
  return { name, type, dims: tensor?.shape ? (dims ?? []) : undefined };
}

/** @throws UsageError INPUT_DTYPE, INPUT_SHAPE */
function requireLike(value: HostTensor, input: GraphValue): HostTensor {
  const where = `The value that fixes the input "${input.name}"`;
  if (value.type !== input.type)
    throw new UsageError("INPUT_DTYPE", `${where} is ${value.type}; the input is ${input.type}.`);
  const fits =
    input.dims === undefined ||
    (input.dims.length === value.dims.length &&
      input.dims.every((dim, k) => typeof dim === "string" || dim === value.dims[k]));
  if (!fits)
    throw new UsageError(
      "INPUT_SHAPE",
      `${where} has the shape [${value.dims}]; the input has [${input.dims}].`,
    );
  return value;
}

function readNode(proto: NodeProto, index: number): GraphNode {
  const op = proto.opType ?? "";
  const name = proto.name || `${op}_${index}`;
  const attributes = new Map<string, Attribute>();
  for (const attribute of proto.attribute ?? []) {
    attributes.set(attribute.name ?? "", readAttribute(attribute, name));
  }
  const domain = isStandard(proto.domain) ? "" : (proto.domain ?? "");
  return { name, op, domain, inputs: proto.input ?? [], outputs: proto.output ?? [], attributes };
}

function readAttribute(proto: AttributeProto, node: string): Attribute {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
  switch (proto.type) {
    case 1:
      return { kind: "float", value: proto.f ?? 0 };
    case 2:
      return { kind: "int", value: Number(proto.i ?? 0) };
    case 3:
      return { kind: "string", value: text(proto.s ?? new Uint8Array()) };
    case 4:
      if (!proto.t) return { kind: "other" };
      return {
        kind: "tensor",
        value: tensorFromProto(proto.t, `Attribute "${proto.name}" of node "${node}"`),
      };
    case 6:
      return { kind: "floats", value: proto.floats ?? [] };
    case 7:
      return { kind: "ints", value: (proto.ints ?? []).map(Number) };
    case 8:
      return { kind: "strings", value: (proto.strings ?? []).map(text) };
    default:
      return { kind: "other" };
  }
}

/** Reads external data from inside the model's folder only. */
function externalReader(folder: string | undefined) {
  if (folder === undefined) return undefined;
  return (proto: TensorProto, byteLength: number): Uint8Array => {
    const entries = new Map((proto.externalData ?? []).map((entry) => [entry.key ?? "", entry.value ?? ""]));
    const location = entries.get("location") ?? "";
    const refuse = (why: string): never => {
      throw new FatalError(
        "ONNX_EXTERNAL_DATA",
        `External data "${location}" of initializer "${proto.name}": ${why}.`,
      );
    };
    const offset = Number(entries.get("offset") ?? 0);
    const length = Number(entries.get("length") ?? byteLength);
    if (!Number.isSafeInteger(offset) || offset < 0 || length !== byteLength) {
      refuse(
        `offset ${entries.get("offset")} and length ${entries.get("length")} do not fit its ${byteLength} bytes`,
      );
    }
    let path = "";
    try {
      path = realpathSync(resolve(folder, location));
    } catch {
      refuse("the file is missing");
    }
    const inside = relative(realpathSync(folder), path);
    if (
      location === "" ||
      isAbsolute(location) ||
      isAbsolute(inside) ||
      inside === ".." ||
      inside.startsWith(`..${sep}`)
    ) {
      refuse("it lies outside the model's folder");
    }
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      if (offset + byteLength > size) refuse(`the file has ${size} bytes, ${offset + byteLength} are needed`);
      const bytes = new Uint8Array(byteLength);
      let read = 0;
      while (read < byteLength) {
        const got = readSync(file, bytes, read, byteLength - read, offset + read);
        if (got === 0) refuse("the file ended early");
        read += got;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}
