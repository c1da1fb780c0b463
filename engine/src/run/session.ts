import { FatalError, UsageError } from "@surety/protocol";
import { TensorFile } from "../commit/index.ts";
import type { InputSample } from "../inputs/readInputs.ts";
import { checkInput } from "../inputs/readInputs.ts";
import { bytesOf, type HostTensor, tensorFromBytes } from "../onnx/tensor.ts";
import { type Instruction, outputBytes } from "../program/index.ts";
import type { Bundle } from "./bundle.ts";
import { evaluateFrom, splitInput } from "./evaluateProgram.ts";
import { requireKernels } from "./knownAnswers.ts";
import { asGraphInputs, createSession, createTunedSession, runSession } from "./onnxruntime.ts";
import { segmentModel, traceGraph, traceName } from "./traceGraph.ts";

export interface OpenModelParameters {
  /** Threads inside one operator; does not change a byte of the results. Default: one per core. */
  readonly intraOpNumThreads?: number;
  /** Tensors of a trace that are in memory at once, in bytes; a single one may be larger. Default: 16 MB. */
  readonly traceSegmentBytes?: number;
}

const TRACE_SEGMENT_BYTES = 16 * 2 ** 20;

/** An open model. `run` and `trace` may be called at any time until `release`. */
export interface ModelSession {
  readonly bundle: Bundle;
  /**
   * The model's outputs, in its order: little-endian, row-major bytes.
   * @param inputs by name, or a request's input: all inputs' bytes in the model's order, concatenated
   */
  run(inputs: ModelInputs): Promise<Uint8Array[]>;
  /**
   * Every instruction's tensor as the program lays it out, in program order. The graph is run a segment at a time, so that only one segment's tensors
   * are in memory at once.
   *
   * @returns To be closed.
   */
  trace(inputs: ModelInputs): Promise<TensorFile>;
  release(): Promise<void>;
}

export type ModelInputs = InputSample | Uint8Array;

/**
 * Opens a bundle on onnxruntime.
 *
 * @example
 * const session = await openModel(loadBundle("mnist.bundle"));
 * const [logits] = await session.run(sample);
 * @throws FatalError ONNX_REFUSED, KERNEL_WRONG, KERNEL_UNPROVEN, KERNEL_FORM; `run` and `trace` throw INPUT_NAME, INPUT_DTYPE, INPUT_SHAPE,
 * INPUT_LENGTH, RUN_FAILED; `trace` also TRACE_FILE
 */
export async function openModel(bundle: Bundle, parameters: OpenModelParameters = {}): Promise<ModelSession> {
  await requireKernels(bundle.graph);
  const session = await createTunedSession(bundle.graph, parameters);
  return {
    bundle,
    async run(inputs) {
      const prepared = asGraphInputs(prepare(bundle, inputs), session.inputNames);
      const results = await guard(() => runSession(session, prepared));
      return bundle.manifest.outputs.map(({ name }, index) => {
        const bytes = bytesOf(results[name] as HostTensor);
        requireLength(bytes, bundle.header.outputs[index]?.bytes ?? 0, name);
        return bytes;
      });
    },
    async trace(inputs) {
      return traceRun(bundle, prepare(bundle, inputs), session.inputNames, parameters);
    },
    async release() {
      await session.release();
    },
  };
}

/**
 * Runs the segments of the trace graph one after the other, each in a session that is gone before the next: tracing is only ever done to check a model or
 * in a dispute. Tensors that the graph does not have are computed from those it has.
 */
async function traceRun(
  bundle: Bundle,
  inputs: InputSample,
  graphInputs: readonly string[],
  parameters: OpenModelParameters,
): Promise<TensorFile> {
  const graph = traceGraph(bundle, parameters.traceSegmentBytes ?? TRACE_SEGMENT_BYTES);
  const trace = new TensorFile(bundle.instructions.map(outputBytes));
  const live = new Map(Object.entries(asGraphInputs(inputs, graphInputs)));
  for (const [number, { instructions, kept }] of graph.segments.entries()) {
    const session = await createSession(segmentModel(graph, number, live), parameters);
    const { inputNames } = session;
    const feeds = Object.fromEntries(inputNames.map((name) => [name, live.get(name) as HostTensor]));
    const results = await guard(() => runSession(session, feeds));
    await session.release();
    for (const index of instructions) {
      const bytes = bytesOf(results[traceName(index)] as HostTensor);
      requireLength(bytes, outputBytes(bundle.instructions[index] as Instruction), `instruction ${index}`);
      trace.write(index, bytes);
    }
    for (const name of kept) live.set(name, results[name] as HostTensor);
    const later = graph.segments.slice(number + 1);
    for (const name of live.keys()) if (!later.some(({ reads }) => reads.has(name))) live.delete(name);
  }
  const operands = {
    weights: bundle.weights,
    inputs: bundle.manifest.inputs.map(({ name }) => bytesOf(inputs[name] as HostTensor)),
  };
  for (const [index, instruction] of bundle.instructions.entries()) {
    if (bundle.manifest.instructions[index]?.source) continue;
    trace.write(index, evaluateFrom(instruction, trace, operands));
  }
  return trace;
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

/** The inputs, their names, dtypes and shapes checked. */
function prepare(bundle: Bundle, inputs: ModelInputs): InputSample {
  const sample = inputs instanceof Uint8Array ? inputsFromBytes(bundle, inputs) : inputs;
  return Object.fromEntries(
    bundle.manifest.inputs.map((spec) => {
      const tensor = sample[spec.name];
      if (!tensor) throw new UsageError("INPUT_NAME", `The input "${spec.name}" is missing.`);
      checkInput(tensor, spec, `The input "${spec.name}"`);
      return [spec.name, tensor];
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
