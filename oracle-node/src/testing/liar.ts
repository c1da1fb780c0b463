import { evaluateFrom, type Instruction, outputBytes, outputElements, type TensorList } from "@surety/engine";
import { FatalError } from "@surety/protocol";
import { disturbances } from "./disturb.ts";
import { LyingTrace } from "./lying-trace.ts";

/** Where a node lies: one element inside the network, or only what it posts. */
export type FaultTarget = { readonly layer: number; readonly element: number } | "output";

/** What a lie needs of a model. */
export interface LiarModel {
  /** The program, decoded. */
  readonly instructions: readonly Instruction[];
  readonly weights: readonly Uint8Array[];
  /** Instruction of each output, in the model's order. */
  readonly outputs: readonly number[];
}

/**
 * An honest trace with one lie in it. At `{layer, element}` that element is changed and everything after it computed from the lie, so the trace
 * contradicts itself in that one element only and nothing but a bisection finds it; of several ways to change it, the first that shows in the
 * output is taken. `output` changes the first output's first element and nothing else.
 *
 * For tests, simulations and devnets.
 *
 * @param inputs The request's input tensors as bytes.
 * @param honest The honest tensor of every instruction; not changed.
 * @returns Closing it closes `honest` too.
 * @throws FatalError FAULT_OUT_OF_RANGE
 */
export function tamperTrace(
  model: LiarModel,
  inputs: readonly Uint8Array[],
  honest: TensorList,
  target: FaultTarget,
): LyingTrace {
  const layer = target === "output" ? (model.outputs[0] ?? honest.count - 1) : target.layer;
  const instruction = model.instructions[layer];
  if (instruction === undefined) {
    throw new FatalError(
      "FAULT_OUT_OF_RANGE",
      `The program has the layers 0 to ${honest.count - 1}, there is no layer ${layer}.`,
    );
  }
  const element = target === "output" ? 0 : target.element;
  const elements = outputElements(instruction);
  if (!(element >= 0 && element < elements)) {
    throw new FatalError(
      "FAULT_OUT_OF_RANGE",
      `Layer ${layer} has the elements 0 to ${elements - 1}, there is no element ${element}.`,
    );
  }
  const trace = new LyingTrace(honest, model.instructions.map(outputBytes));
  for (const lie of disturbances(honest.tensorBytes(layer), instruction.outDtype, element)) {
    trace.restore();
    trace.replace(layer, lie);
    if (target === "output") return trace;
    recompute(model, inputs, trace, layer);
    if (model.outputs.some((output) => !equal(trace.tensorBytes(output), honest.tensorBytes(output)))) break;
  }
  // If nothing reaches the output (a dead activation), the last lie stands, though nobody will see it.
  return trace;
}

/** Computes every later tensor that depends on the changed one from it. */
function recompute(
  { instructions, weights }: LiarModel,
  inputs: readonly Uint8Array[],
  trace: LyingTrace,
  layer: number,
): void {
  const changed = new Set([layer]);
  for (const [index, instruction] of instructions.entries()) {
    if (index <= layer) continue;
    const reads = instruction.operands.some(
      ({ space, index: from }) => space === "trace" && changed.has(from),
    );
    if (!reads) continue;
    const tensor = evaluateFrom(instruction, trace, { weights, inputs });
    if (equal(tensor, trace.tensorBytes(index))) continue;
    trace.replace(index, tensor);
    changed.add(index);
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
