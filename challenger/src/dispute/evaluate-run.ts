import { type Bundle, evaluateTensor } from "@surety/engine";
import { FatalError } from "@surety/protocol";
import { createOwnRun, type OwnRun } from "./own-run.ts";

/**
 * Runs a model by its program alone, instruction by instruction: what the chain would compute, and independent of onnxruntime.
 *
 * @param input A request's input: all inputs' bytes in the model's order, concatenated, as they stand on the chain.
 * @throws FatalError INPUT_LENGTH
 */
export function evaluateRun(bundle: Bundle, input: Uint8Array): OwnRun {
  const inputs = splitInput(bundle.header.inputBytes, input);
  const { instructions, encodedInstructions: program, weights } = bundle;
  const tensors: Uint8Array[] = [];
  for (const instruction of instructions) {
    tensors.push(evaluateTensor(instruction, { trace: tensors, weights, inputs }));
  }
  return createOwnRun({ program, weights, inputs, tensors });
}

/** The output of a run: the concatenation of its output tensors. */
export function outputOf(bundle: Bundle, run: OwnRun): Uint8Array {
  return Buffer.concat(bundle.header.outputs.map(({ instruction }) => run.trace.tensorBytes(instruction)));
}

/** A request's input as the bytes of each of the model's inputs. @throws FatalError INPUT_LENGTH */
export function splitInput(inputBytes: readonly number[], input: Uint8Array): Uint8Array[] {
  const total = inputBytes.reduce((sum, length) => sum + length, 0);
  if (total !== input.length) {
    throw new FatalError("INPUT_LENGTH", `The input has ${input.length} bytes, the model takes ${total}.`);
  }
  const starts = inputBytes.map((_, index) =>
    inputBytes.slice(0, index).reduce((sum, length) => sum + length, 0),
  );
  return inputBytes.map((length, index) => input.subarray(starts[index], (starts[index] ?? 0) + length));
}
