import { UsageError } from "@surety/protocol";
import { TensorFile, type TensorList } from "../commit/index.ts";
import { type Instruction, outputBytes } from "../program/index.ts";
import { evaluateTensor, type Tensors } from "../referee/index.ts";
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

/** One instruction's tensor from the trace before it; only what it reads is brought into memory. */
export function evaluateFrom(
  instruction: Instruction,
  trace: TensorList,
  { weights, inputs }: Pick<Tensors, "weights" | "inputs">,
): Uint8Array {
  const read: Uint8Array[] = [];
  for (const { space, index } of instruction.operands) {
    if (space === "trace") read[index] ??= trace.tensorBytes(index);
  }
  return evaluateTensor(instruction, { trace: read, weights, inputs });
}

/**
 * Every instruction's tensor by the program alone: what the chain would compute, and independent of onnxruntime.
 *
 * @param input A request's input: all inputs' bytes in the model's order, concatenated, as they stand on the chain.
 * @returns To be closed.
 * @throws UsageError INPUT_LENGTH; FatalError TRACE_FILE
 */
export function evaluateProgram(
  bundle: Pick<Bundle, "header" | "instructions" | "weights">,
  input: Uint8Array,
): TensorFile {
  const { header, instructions, weights } = bundle;
  const inputs = splitInput(header.inputBytes, input);
  const trace = new TensorFile(instructions.map(outputBytes));
  for (const [index, instruction] of instructions.entries()) {
    trace.write(index, evaluateFrom(instruction, trace, { weights, inputs }));
  }
  return trace;
}
