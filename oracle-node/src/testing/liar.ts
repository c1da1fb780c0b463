import { DTYPES, evaluateTensor, type Instruction } from "@surety/engine";
import { FatalError } from "@surety/protocol";
import { disturbances } from "./disturb.ts";

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
 * @param trace The honest tensor of every instruction; not changed.
 * @throws FatalError FAULT_OUT_OF_RANGE
 */
export function tamperTrace(
  model: LiarModel,
  inputs: readonly Uint8Array[],
  trace: readonly Uint8Array[],
  target: FaultTarget,
): Uint8Array[] {
  if (target === "output") {
    const layer = model.outputs[0] ?? trace.length - 1;
    const [lie] = disturbances(tensorOf(trace, layer), dtypeOf(model, layer), 0);
    return trace.with(layer, lie as Uint8Array);
  }
  const { layer, element } = target;
  const honest = tensorOf(trace, layer);
  const dtype = dtypeOf(model, layer);
  const elements = honest.length / DTYPES[dtype].bytes;
  if (!(element >= 0 && element < elements)) {
    throw new FatalError(
      "FAULT_OUT_OF_RANGE",
      `Layer ${layer} has the elements 0 to ${elements - 1}, there is no element ${element}.`,
    );
  }
  let lying: Uint8Array[] | undefined;
  for (const lie of disturbances(honest, dtype, element)) {
    lying = recompute(model, inputs, trace, layer, lie);
    if (model.outputs.some((output) => !equal(lying?.[output], trace[output]))) return lying;
  }
  // Nothing reaches the output (a dead activation): the lie stands, though nobody will see it.
  return lying ?? [...trace];
}

/** The trace with another tensor at `layer`, and every later tensor that depends on it computed from it. */
function recompute(
  { instructions, weights }: LiarModel,
  inputs: readonly Uint8Array[],
  trace: readonly Uint8Array[],
  layer: number,
  lie: Uint8Array,
): Uint8Array[] {
  const lying = trace.with(layer, lie);
  const changed = new Set([layer]);
  for (const [index, instruction] of instructions.entries()) {
    if (index <= layer) continue;
    const reads = instruction.operands.some(
      ({ space, index: from }) => space === "trace" && changed.has(from),
    );
    if (!reads) continue;
    const tensor = evaluateTensor(instruction, { trace: lying, weights, inputs });
    if (equal(tensor, lying[index])) continue;
    lying[index] = tensor;
    changed.add(index);
  }
  return lying;
}

function tensorOf(trace: readonly Uint8Array[], layer: number): Uint8Array {
  const tensor = trace[layer];
  if (tensor !== undefined) return tensor;
  throw new FatalError(
    "FAULT_OUT_OF_RANGE",
    `The program has the layers 0 to ${trace.length - 1}, there is no layer ${layer}.`,
  );
}

function dtypeOf({ instructions }: LiarModel, layer: number) {
  return (instructions[layer] as Instruction).outDtype;
}

function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
