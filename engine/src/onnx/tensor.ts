import { FatalError } from "@surety/protocol";
import type { TensorProto } from "./proto.ts";

/** Element types of ONNX tensors Surety can hold. f16 data are the raw 16 bits. */
export const ELEMENT_TYPES = {
  f32: { code: 1, ort: "float32", array: Float32Array },
  u8: { code: 2, ort: "uint8", array: Uint8Array },
  i8: { code: 3, ort: "int8", array: Int8Array },
  u16: { code: 4, ort: "uint16", array: Uint16Array },
  i16: { code: 5, ort: "int16", array: Int16Array },
  i32: { code: 6, ort: "int32", array: Int32Array },
  i64: { code: 7, ort: "int64", array: BigInt64Array },
  bool: { code: 9, ort: "bool", array: Uint8Array },
  f16: { code: 10, ort: "float16", array: Uint16Array },
  f64: { code: 11, ort: "float64", array: Float64Array },
  u32: { code: 12, ort: "uint32", array: Uint32Array },
  u64: { code: 13, ort: "uint64", array: BigUint64Array },
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor in memory, row-major. */
export interface HostTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** No tensor may hold more elements than this: what the exact profile can index. */
export const MAX_ELEMENTS = 2 ** 31 - 1;

/** The ONNX data type code's name here, or undefined (strings, complex, 8-bit floats, 4-bit integers...). */
export function elementTypeOf(code: number | undefined): ElementType | undefined {
  for (const type of Object.keys(ELEMENT_TYPES) as ElementType[]) {
    if (ELEMENT_TYPES[type].code === code) return type;
  }
  return undefined;
}

/**
 * Product of dims.
 * @throws FatalError ONNX_SHAPE when a dim is not a whole number of at least 0 or the product is over MAX_ELEMENTS
 */
export function elementCount(dims: readonly number[], what: string): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new FatalError("ONNX_SHAPE", `${what} has the shape [${dims}]: ${dim} is not a size.`);
    }
    count *= dim;
    if (count > MAX_ELEMENTS) {
      throw new FatalError(
        "ONNX_SHAPE",
        `${what} has the shape [${dims}]: more than ${MAX_ELEMENTS} elements.`,
      );
    }
  }
  return count;
}

/** A tensor of this type over a copy of the bytes (little-endian). The caller has checked the length. */
export function tensorFromBytes(type: ElementType, dims: readonly number[], bytes: Uint8Array): HostTensor {
  const buffer = new Uint8Array(bytes).buffer;
  return { type, dims: [...dims], data: new ELEMENT_TYPES[type].array(buffer) as TensorData };
}

/** The bytes of a tensor's data, little-endian, not copied. */
export function bytesOf(tensor: HostTensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** The numbers of a tensor, if there is one; 64-bit integers beyond 2^53 (slices use them for "to the end") rounded. */
export function numbersOf(tensor: HostTensor | undefined): number[] | undefined {
  return tensor && Array.from<unknown>(tensor.data as unknown as ArrayLike<unknown>).map(Number);
}

/** A tensor of 64-bit integers, as ONNX wants shapes and axes. */
export function i64Tensor(values: readonly number[]): HostTensor {
  return { type: "i64", dims: [values.length], data: BigInt64Array.from(values, (value) => BigInt(value)) };
}

/** @throws FatalError ONNX_VALUE when an integer is beyond what a double holds */
function exactInteger(value: number, what: string): bigint {
  if (value === 2 ** 63) return 2n ** 63n - 1n;
  if (value === -(2 ** 63)) return -(2n ** 63n);
  if (!Number.isSafeInteger(value)) {
    throw new FatalError("ONNX_VALUE", `${what} holds the integer ${value}, which is over 2^53.`);
  }
  return BigInt(value);
}

function typedField(proto: TensorProto, type: ElementType): readonly number[] {
  switch (type) {
    case "f32":
      return proto.floatData ?? [];
    case "f64":
      return proto.doubleData ?? [];
    case "i64":
      return proto.int64Data ?? [];
    case "u32":
    case "u64":
      return proto.uint64Data ?? [];
    default:
      return proto.int32Data ?? [];
  }
}

/**
 * Reads a TensorProto; declared dims are checked against the data at hand before anything is allocated.
 *
 * @param external resolves data kept outside the file; without it such tensors are refused
 * @throws FatalError ONNX_TYPE, ONNX_SHAPE, ONNX_DATA_LENGTH, ONNX_VALUE, ONNX_EXTERNAL_DATA
 */
export function tensorFromProto(
  proto: TensorProto,
  what: string,
  external?: (proto: TensorProto, byteLength: number) => Uint8Array,
): HostTensor {
  const type = elementTypeOf(proto.dataType);
  if (type === undefined) {
    throw new FatalError(
      "ONNX_TYPE",
      `${what} has the ONNX data type ${proto.dataType ?? 0}, which is not supported.`,
    );
  }
  const dims = (proto.dims ?? []).map(Number);
  const count = elementCount(dims, what);
  const width = ELEMENT_TYPES[type].array.BYTES_PER_ELEMENT;
  const checkLength = (got: number, unit: string) => {
    const expected = unit === "bytes" ? count * width : count;
    if (got !== expected) {
      throw new FatalError(
        "ONNX_DATA_LENGTH",
        `${what}, ${type} [${dims}], needs ${expected} ${unit} of data and has ${got}. The file is damaged.`,
      );
    }
  };
  if (proto.dataLocation === 1) {
    if (!external)
      throw new FatalError(
        "ONNX_EXTERNAL_DATA",
        `${what} keeps its data in another file, which is not allowed here.`,
      );
    return tensorFromBytes(type, dims, external(proto, count * width));
  }
  if (proto.rawData && proto.rawData.length > 0) {
    checkLength(proto.rawData.length, "bytes");
    return tensorFromBytes(type, dims, proto.rawData);
  }
  const values = typedField(proto, type);
  checkLength(values.length, "elements");
  if (type === "i64") return { type, dims, data: BigInt64Array.from(values, (v) => exactInteger(v, what)) };
  if (type === "u64") return { type, dims, data: BigUint64Array.from(values, (v) => exactInteger(v, what)) };
  return { type, dims, data: (ELEMENT_TYPES[type].array as typeof Float32Array).from(values) as TensorData };
}

/** The TensorProto of a tensor, its data raw. */
export function tensorToProto(tensor: HostTensor, name: string): TensorProto {
  return {
    name,
    dims: [...tensor.dims],
    dataType: ELEMENT_TYPES[tensor.type].code,
    rawData: bytesOf(tensor),
  };
}
