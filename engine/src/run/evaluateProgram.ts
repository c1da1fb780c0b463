import { UsageError } from "@surety/protocol";
import { evaluateTensor } from "../referee/index.ts";
import type { Bundle } from "./bundle.ts";

/** A request's input as the bytes of each of the model's inputs. @throws UsageError INPUT_LENGTH */
export function splitInput(inputBytes: readonly number[], input: Uint8Array): Uint8Array[] {
  const total = inputBytes.reduce((sum, length) => sum + length, 0);
  if (total !== input.length) {
    throw new UsageError("INPUT_LENGTH", `The input has ${input.length} bytes, the model takes ${total}.`);
  }
  let at = 0;
  return inputBytes.map((length) => {
    at += length;
    return input.subarray(at - length, at);
  });
}

/**
 * Every instruction's tensor by the program alone: what the chain would compute, and independent of onnxruntime.
 *
 * @param input A request's input: all inputs' bytes in the model's order, concatenated, as they stand on the chain.
 * @throws UsageError INPUT_LENGTH
 */
export function evaluateProgram(
  bundle: Pick<Bundle, "header" | "instructions" | "weights">,
  input: Uint8Array,
): Uint8Array[] {
  const { header, instructions, weights } = bundle;
  const inputs = splitInput(header.inputBytes, input);
  const trace: Uint8Array[] = [];
  for (const instruction of instructions) trace.push(evaluateTensor(instruction, { trace, weights, inputs }));
  return trace;
}
