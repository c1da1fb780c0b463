import { FatalError, UsageError } from "@surety/protocol";
import type { InferenceSession } from "onnxruntime-node";
import type { InputSample } from "../inputs/readInputs.ts";
import { checkInput } from "../inputs/readInputs.ts";
import { bytesOf, type HostTensor, tensorFromBytes } from "../onnx/tensor.ts";
import { outputBytes } from "../program/index.ts";
import { evaluateTensor } from "../referee/index.ts";
import type { Bundle } from "./bundle.ts";
import { splitInput } from "./evaluateProgram.ts";
import { requireKernels } from "./knownAnswers.ts";
import { createSession, runSession, toOrt, withoutNaN } from "./onnxruntime.ts";
import { traceGraph, traceName } from "./traceGraph.ts";

export interface OpenModelParameters {
  /** Threads inside one operator; does not change a byte of the results. Default: one per core. */
  readonly intraOpNumThreads?: number;
}

/** An open model. `run` and `trace` may be called at any time until `release`. */
export interface ModelSession {
  readonly bundle: Bundle;
  /**
   * The model's outputs, in its order: little-endian, row-major bytes.
   * @param inputs by name, or a request's input: all inputs' bytes in the model's order, concatenated
   */
  run(inputs: ModelInputs): Promise<Uint8Array[]>;
  /** Every instruction's tensor as the program lays it out, in program order. */
  trace(inputs: ModelInputs): Promise<Uint8Array[]>;
  release(): Promise<void>;
}

export type ModelInputs = InputSample | Uint8Array;

/**
 * Opens a bundle on onnxruntime.
 *
 * @example
 * const session = await openModel(loadBundle("mnist.bundle"));
 * const [logits] = await session.run(sample);
 * @throws FatalError ONNX_REFUSED, KERNEL_WRONG, KERNEL_UNPROVEN, KERNEL_FORM; `run` and `trace` throw INPUT_NAME, INPUT_DTYPE, INPUT_SHAPE, INPUT_LENGTH, RUN_FAILED
 */
export async function openModel(bundle: Bundle, parameters: OpenModelParameters = {}): Promise<ModelSession> {
  await requireKernels(bundle.graph);
  const session = await createSession(bundle.graph, parameters);
  let tracing: Promise<InferenceSession> | undefined;
  return {
    bundle,
    async run(inputs) {
      const prepared = prepare(bundle, inputs);
      const results = await guard(() => runSession(session, prepared));
      return bundle.manifest.outputs.map(({ name }, index) => {
        const bytes = bytesOf(results[name] as HostTensor);
        requireLength(bytes, bundle.header.outputs[index]?.bytes ?? 0, name);
        return bytes;
      });
    },
    async trace(inputs) {
      tracing ??= createSession(traceGraph(bundle), parameters);
      const open = await tracing;
      const prepared = prepare(bundle, inputs);
      const feeds = Object.fromEntries(
        Object.entries(prepared).map(([name, tensor]) => [name, toOrt(tensor)]),
      );
      const named = bundle.manifest.instructions.flatMap(({ source }, index) =>
        source ? [traceName(index)] : [],
      );
      const results = await guard(() => open.run(feeds, named));
      const weights = bundle.weights;
      const bytesOfInputs = bundle.manifest.inputs.map(({ name }) => bytesOf(prepared[name] as HostTensor));
      const trace: Uint8Array[] = [];
      for (const [index, instruction] of bundle.instructions.entries()) {
        const data = results[traceName(index)]?.data as Float32Array | undefined;
        const bytes = data
          ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
          : evaluateTensor(instruction, { trace, weights, inputs: bytesOfInputs });
        requireLength(bytes, outputBytes(instruction), `instruction ${index}`);
        trace.push(bytes);
      }
      return trace;
    },
    async release() {
      await session.release();
      await (await tracing)?.release();
    },
  };
}

async function guard<Value>(run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new FatalError("RUN_FAILED", `onnxruntime failed on these inputs: ${reason}`, { cause });
  }
}

function requireLength(bytes: Uint8Array, expected: number, what: string): void {
  if (bytes.length !== expected) {
    throw new FatalError(
      "RUN_FAILED",
      `onnxruntime gave ${bytes.length} bytes for ${what}, the program says ${expected}.`,
    );
  }
}

/** Checks names, dtypes and shapes, and replaces NaN by +0. */
function prepare(bundle: Bundle, inputs: ModelInputs): InputSample {
  const sample = inputs instanceof Uint8Array ? inputsFromBytes(bundle, inputs) : inputs;
  return Object.fromEntries(
    bundle.manifest.inputs.map((spec) => {
      const tensor = sample[spec.name];
      if (!tensor) throw new UsageError("INPUT_NAME", `The input "${spec.name}" is missing.`);
      checkInput(tensor, spec, `The input "${spec.name}"`);
      return [spec.name, withoutNaN(tensor)];
    }),
  );
}

/**
 * A request's input (the model's inputs concatenated) as tensors.
 * @throws UsageError INPUT_LENGTH
 */
export function inputsFromBytes(bundle: Bundle, bytes: Uint8Array): InputSample {
  const parts = splitInput(bundle.header.inputBytes, bytes);
  return Object.fromEntries(
    bundle.manifest.inputs.map(({ name, dtype, shape }, index) => [
      name,
      tensorFromBytes(dtype, shape, parts[index] as Uint8Array),
    ]),
  );
}

/** The bytes of each input in the model's order, as requests and input commitments hold them. */
export function inputsToBytes(bundle: Bundle, sample: InputSample): Uint8Array[] {
  return bundle.manifest.inputs.map((spec) => {
    const tensor = sample[spec.name];
    if (!tensor) throw new UsageError("INPUT_NAME", `The input "${spec.name}" is missing.`);
    checkInput(tensor, spec, `The input "${spec.name}"`);
    return bytesOf(tensor);
  });
}
