import { type Bundle, evaluateProgram, splitInput } from "@surety/engine";
import { createOwnRun, type OwnRun } from "./own-run.ts";

/**
 * Runs a model by its program alone, instruction by instruction: what the chain would compute, and independent of onnxruntime.
 *
 * @param input A request's input: all inputs' bytes in the model's order, concatenated, as they stand on the chain.
 * @returns Its trace is on disk and to be closed.
 * @throws UsageError INPUT_LENGTH; FatalError TRACE_FILE
 */
export function evaluateRun(bundle: Bundle, input: Uint8Array): OwnRun {
  return createOwnRun({
    program: bundle.encodedInstructions,
    weights: bundle.weights,
    inputs: splitInput(bundle.header.inputBytes, input),
    tensors: evaluateProgram(bundle, input),
  });
}

/** The output of a run: the concatenation of its output tensors. */
export function outputOf(bundle: Bundle, run: OwnRun): Uint8Array {
  return Buffer.concat(bundle.header.outputs.map(({ instruction }) => run.trace.tensorBytes(instruction)));
}
