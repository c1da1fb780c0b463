import { FatalError } from "@surety/protocol";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { ELEMENT_TYPES, type ElementType, type HostTensor, type TensorData } from "../onnx/tensor.ts";

/** The onnxruntime release whose kernels were proven exact; another one refuses to run. */
export const ONNXRUNTIME_VERSION = "1.30.0";

/** How to open a session. */
export interface SessionParameters {
  /** Threads inside one operator. Default: onnxruntime's (one per core). */
  readonly intraOpNumThreads?: number;
  /**
   * "exact" (default): the graph as it is written. Even onnxruntime's basic rewrites change bytes: one merges QuantizeLinear,
   * DequantizeLinear, QuantizeLinear, DequantizeLinear into one pair, further ones make QLinearAdd, whose arithmetic differs from
   * CPU to CPU. "fast": all rewrites, for float models.
   */
  readonly optimisation?: "exact" | "fast";
  /** Whether the session keeps the memory of a run for its next one, which is faster. Default: true. */
  readonly keepMemory?: boolean;
}

const LEVELS = { exact: "disabled", fast: "all" } as const;

/** The options every session of ours has, whatever process opens it. */
export function sessionOptions(parameters: SessionParameters = {}): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: LEVELS[parameters.optimisation ?? "exact"],
    logSeverityLevel: 4,
    ...(parameters.keepMemory === false ? { enableCpuMemArena: false, enableMemPattern: false } : {}),
    extra: {
      session: { disable_quant_qdq: "1", set_denormal_as_zero: "0" },
      mlas: { disable_kleidiai: "1" },
    },
    ...(parameters.intraOpNumThreads === undefined
      ? {}
      : { intraOpNumThreads: parameters.intraOpNumThreads }),
  };
}

/**
 * Opens a graph as it stands. `createSession` is for graphs of models.
 * @throws FatalError RUNTIME_VERSION; ONNX_REFUSED when onnxruntime does not accept the model
 */
export async function createRawSession(
  model: Uint8Array,
  parameters: SessionParameters = {},
): Promise<InferenceSession> {
  if (env.versions.node !== ONNXRUNTIME_VERSION) {
    throw new FatalError(
      "RUNTIME_VERSION",
      `onnxruntime-node is ${env.versions.node}; only ${ONNXRUNTIME_VERSION} is proven exact. Run npm install.`,
    );
  }
  try {
    return await InferenceSession.create(model, sessionOptions(parameters));
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new FatalError("ONNX_REFUSED", `onnxruntime does not accept the model: ${reason}`, { cause });
  }
}

export function toOrt(tensor: HostTensor): Tensor {
  const type = ELEMENT_TYPES[tensor.type].ort;
  return new Tensor(type as "float32", tensor.data as Float32Array, [...tensor.dims]);
}

/** @throws FatalError ONNX_TYPE for strings and other types Surety cannot hold */
export function fromOrt(tensor: Tensor): HostTensor {
  for (const type of Object.keys(ELEMENT_TYPES) as ElementType[]) {
    if (ELEMENT_TYPES[type].ort === tensor.type) {
      return { type, dims: tensor.dims, data: tensor.data as TensorData };
    }
  }
  throw new FatalError(
    "ONNX_TYPE",
    `onnxruntime returned a tensor of type ${tensor.type}, which is not supported.`,
  );
}

/** Runs a session once; every output by name. */
export async function runSession(
  session: InferenceSession,
  inputs: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(inputs)) feeds[name] = toOrt(tensor);
  const results = await session.run(feeds);
  const outputs: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(results)) outputs[name] = fromOrt(tensor as Tensor);
  return outputs;
}

/** The input of an exact graph that says where an input of the model is NaN: u8, 1 there, else 0. Only graphs that ask have it. */
export function missingName(input: string): string {
  return `surety.missing.${input}`;
}

/**
 * A model's inputs as an exact graph takes them.
 * @param names of all the graph's inputs
 */
export function asGraphInputs(
  inputs: Readonly<Record<string, HostTensor>>,
  names: readonly string[],
): Record<string, HostTensor> {
  const entries = Object.entries(inputs).flatMap(([name, tensor]) => {
    const own = [name, asGraphInput(tensor)] as const;
    const missing = missingName(name);
    return names.includes(missing) ? [own, [missing, missingIn(tensor)] as const] : [own];
  });
  return Object.fromEntries(entries);
}

function missingIn({ dims, data }: HostTensor): HostTensor {
  return {
    type: "u8",
    dims,
    data: Uint8Array.from(data as Float32Array, (value) => (Number.isNaN(value) ? 1 : 0)),
  };
}

/** Without NaN, and bools as the bytes they are on the chain, which may be any (the graph makes all but 0 true, as the program does). */
function asGraphInput(tensor: HostTensor): HostTensor {
  return tensor.type === "bool" ? { ...tensor, type: "u8" } : withoutNaN(tensor);
}

/** The bytes of a tensor with every NaN replaced by +0, as the exact profile reads inputs. Copies only if needed. */
export function withoutNaN(tensor: HostTensor): HostTensor {
  if (tensor.type !== "f32") return tensor;
  const data = tensor.data as Float32Array;
  if (!hasNaN(data)) return tensor;
  return { ...tensor, data: data.map((value) => (Number.isNaN(value) ? 0 : value)) };
}

/** The bits of an infinity; those of a NaN are more, the sign left out. */
const INFINITY_BITS = 0x7f800000;
const MAGNITUDE_BITS = 0x7fffffff;

/**
 * On bits and four at a time: half the time of comparing each number with itself, a sixth of `some(Number.isNaN)`. It is paid in every run, for a picture of
 * 224x224 it is a hundredth of MobileNet.
 */
function hasNaN(data: Float32Array): boolean {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const margin = (k: number) => INFINITY_BITS - ((bits[k] as number) & MAGNITUDE_BITS);
  const whole = bits.length - (bits.length % 4);
  let margins = 0;
  for (let k = 0; k < whole; k += 4) margins |= margin(k) | margin(k + 1) | margin(k + 2) | margin(k + 3);
  for (let k = whole; k < bits.length; k++) margins |= margin(k);
  return margins < 0;
}
