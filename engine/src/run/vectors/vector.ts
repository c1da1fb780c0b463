import { ModelBuilder } from "../../onnx/build.ts";
import { ELEMENT_TYPES, type ElementType, type HostTensor, type TensorData } from "../../onnx/tensor.ts";

/**
 * A small model of one operator with inputs that tell an exact kernel from one that is not. What it must give is in answers.json, so that it
 * costs little to check; the test beside that file recomputes the answers in plain integer and `Math.fround` arithmetic where `expected` has it.
 */
export interface KernelVector {
  /** Begins with the operator. The contents follow from the name and nothing else. */
  readonly name: string;
  /** The ONNX operator whose kernels it proves. */
  readonly op: string;
  /**
   * `every CPU`: no service runs where it fails. `wide weights`: u8 x i8 with weights over 7 bits, which some CPUs saturate on; those run
   * the other form.
   */
  readonly holds: "every CPU" | "wide weights";
  /** Anew at each call: not all are needed at once. */
  make(): KernelCase;
}

export interface KernelCase {
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** The outputs' data in the model's order, by a computation that shares nothing with onnxruntime. */
  readonly expected?: () => readonly TensorData[];
}

/** Of all vectors' models. */
export const VECTOR_OPSET = 13;

/** What a vector's contents are drawn from. */
export interface Draw {
  /** A word in [0, 2^32). */
  bits(): number;
  /** A whole number in [low, high]. */
  int(low: number, high: number): number;
  pick<Value>(values: readonly Value[]): Value;
}

/** xorshift32 seeded with the FNV-1a hash of the name. */
export function drawFrom(name: string): Draw {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 0x01000193);
  state |= 1;
  const bits = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const int = (low: number, high: number) => low + (bits() % (high - low + 1));
  return { bits, int, pick: (values) => values[int(0, values.length - 1)] as never };
}

export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** A tensor; numbers of 64-bit types may be bigints. */
export function host(
  type: ElementType,
  dims: readonly number[],
  values: ArrayLike<number | bigint>,
): HostTensor {
  const isWide = type === "i64" || type === "u64";
  const data = isWide
    ? BigInt64Array.from(Array.from(values, (value) => BigInt(value)))
    : (ELEMENT_TYPES[type].array as typeof Float32Array).from(Array.from(values, Number));
  return { type, dims, data: data as TensorData };
}

export function scalar(type: ElementType, value: number): HostTensor {
  return host(type, [], [value]);
}

/** A tensor of values drawn one by one. */
export function filled(
  type: ElementType,
  dims: readonly number[],
  next: (index: number) => number | bigint,
): HostTensor {
  return host(
    type,
    dims,
    Array.from({ length: countOf(dims) }, (_, index) => next(index)),
  );
}

/** [N, C, spatial...] as [N, spatial..., C]. */
export function channelsLast({ type, dims, data }: HostTensor): HostTensor {
  const [images = 1, channels = 1, ...spatial] = dims;
  const places = countOf(spatial);
  const moved = Array.from({ length: data.length }, (_, at) => {
    const [channel, place] = [at % channels, Math.floor(at / channels) % places];
    const imageStart = Math.floor(at / (channels * places)) * channels * places;
    return data[imageStart + channel * places + place] as number;
  });
  return host(type, [images, ...spatial, channels], moved);
}

export interface VectorParts {
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly initializers?: Readonly<Record<string, HostTensor>>;
  /** Writes the nodes; the outputs are those of `outputs`. */
  readonly nodes: (model: ModelBuilder) => void;
  readonly outputs: Readonly<Record<string, readonly [ElementType, readonly (number | string)[]]>>;
  readonly expected?: () => readonly TensorData[];
  readonly opset?: number;
}

/** A vector from its parts, which are drawn when it is made. */
export function defineVector(
  name: string,
  parts: (draw: Draw) => VectorParts,
  holds: KernelVector["holds"] = "every CPU",
): KernelVector {
  return {
    name,
    op: name.split(" ", 1)[0] as string,
    holds,
    make() {
      const { feeds, initializers = {}, nodes, outputs, expected, opset } = parts(drawFrom(name));
      const builder = new ModelBuilder(opset ?? VECTOR_OPSET);
      for (const [key, { type, dims }] of Object.entries(feeds)) builder.input(key, type, dims);
      for (const [key, tensor] of Object.entries(initializers)) builder.initializer(key, tensor);
      nodes(builder);
      for (const [key, [type, dims]] of Object.entries(outputs)) builder.output(key, type, dims);
      return { model: builder.encode(), feeds, ...(expected ? { expected } : {}) };
    },
  };
}
