import { readFileSync } from "node:fs";
import { FatalError } from "@surety/protocol";
import protobuf from "protobufjs";

/**
 * The part of onnx-ml.proto that Surety reads and writes. 64-bit integers are numbers: beyond 2^53 they lose precision,
 * which the readers of this folder check for where it matters.
 */
export interface StringEntryProto {
  key?: string;
  value?: string;
}
export interface TensorProto {
  dims?: number[];
  dataType?: number;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  doubleData?: number[];
  uint64Data?: number[];
  stringData?: Uint8Array[];
  name?: string;
  rawData?: Uint8Array;
  externalData?: StringEntryProto[];
  dataLocation?: number;
}
export interface AttributeProto {
  name?: string;
  type?: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
}
export interface NodeProto {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  domain?: string;
  attribute?: AttributeProto[];
}
export interface DimensionProto {
  dimValue?: number;
  dimParam?: string;
}
export interface ValueInfoProto {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: DimensionProto[] } } };
}
export interface GraphProto {
  node?: NodeProto[];
  name?: string;
  initializer?: TensorProto[];
  sparseInitializer?: unknown[];
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  valueInfo?: ValueInfoProto[];
}
export interface ModelProto {
  irVersion?: number;
  opsetImport?: { domain?: string; version?: number }[];
  producerName?: string;
  producerVersion?: string;
  graph?: GraphProto;
  functions?: unknown[];
}

// Without long.js protobufjs decodes 64-bit integers to numbers: 8 bytes each where Long objects would take 40, so a
// hostile file cannot blow up memory. This package is the only user of protobufjs here.
protobuf.util.Long = undefined as unknown as typeof protobuf.util.Long;
protobuf.configure();

const root = protobuf.parse(readFileSync(new URL("./schema/onnx-ml.proto", import.meta.url), "utf8")).root;
const modelType = root.lookupType("onnx.ModelProto");
const tensorType = root.lookupType("onnx.TensorProto");

function decode(type: protobuf.Type, bytes: Uint8Array, what: string): protobuf.Message {
  try {
    return type.decode(bytes);
  } catch (cause) {
    throw new FatalError(
      "ONNX_MALFORMED",
      `${what} is truncated or not ONNX (${bytes.length} bytes, ${(cause as Error).message}). Export it again.`,
      { cause },
    );
  }
}

/**
 * @param what names the file in errors
 * @throws FatalError ONNX_MALFORMED
 */
export function decodeModel(bytes: Uint8Array, what = "The model"): ModelProto {
  const model = decode(modelType, bytes, what) as unknown as ModelProto;
  if (!model.graph?.node) {
    throw new FatalError("ONNX_MALFORMED", `${what} holds no graph. Is it an ONNX file?`);
  }
  return model;
}

export function encodeModel(model: ModelProto): Uint8Array {
  return new Uint8Array(modelType.encode(model as Record<string, unknown>).finish());
}

/**
 * @param what names the file in errors
 * @throws FatalError ONNX_MALFORMED
 */
export function decodeTensorProto(bytes: Uint8Array, what = "The tensor"): TensorProto {
  return decode(tensorType, bytes, what) as unknown as TensorProto;
}

export function encodeTensorProto(tensor: TensorProto): Uint8Array {
  return new Uint8Array(tensorType.encode(tensor as Record<string, unknown>).finish());
}

/**
 * The model's bytes with more nodes, initializers or outputs. Protobuf merges concatenated messages, so the rest stays as it is,
 * byte for byte.
 */
export function appendToModel(model: Uint8Array, graph: GraphProto): Uint8Array {
  const more = modelType.encode({ graph } as Record<string, unknown>).finish();
  const bytes = new Uint8Array(model.length + more.length);
  bytes.set(model);
  bytes.set(more, model.length);
  return bytes;
}
