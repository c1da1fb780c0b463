import { FatalError } from "@surety/protocol";
import { expressionKinds } from "../program/expression-kinds.ts";
import type { Instruction } from "../program/instruction.ts";
import { outputBytes, outputElements } from "../program/tensor-size.ts";
import { checkIndexMaps } from "../program/validate.ts";
import { checkValueRanges } from "../program/value-ranges.ts";
import { accumulateTensor } from "./accumulate-tensor.ts";
import { blockStep, type Values } from "./block-step.ts";
import { NAN_BITS } from "./scalar.ts";
import { operandTensor, type TypedTensor, typedTensor } from "./typed-tensor.ts";

/** The tensors that operands name, as bytes; only those that the instruction reads need be there. */
export interface Tensors {
  readonly trace: readonly (Uint8Array | undefined)[];
  readonly weights: readonly (Uint8Array | undefined)[];
  readonly inputs: readonly (Uint8Array | undefined)[];
}

/** Elements that an expression is evaluated for at a time: its values stay in the cache. */
const BLOCK = 4096;

/**
 * The whole tensor that an instruction computes: `evaluateElement` of every element, byte for byte, at the speed of typed arrays.
 *
 * @param instruction Checked by `decodeInstruction` or `checkInstruction`.
 * @throws FatalError PROGRAM_MALFORMED when the index maps or zero points are not proven, TENSOR_WRONG_SIZE, TENSOR_TOO_LARGE,
 * REDUCTION_TOO_LONG.
 */
export function evaluateTensor(instruction: Instruction, tensors: Tensors): Uint8Array {
  const { outDtype, operands, expression, accumulate } = instruction;
  checkIndexMaps(instruction, null);
  checkValueRanges(instruction, null);
  const spaces = { trace: tensors.trace, weight: tensors.weights, input: tensors.inputs };
  const sources = operands.map(({ space, index, dtype, elements }) => {
    if (elements >= 2 ** 31) {
      throw new FatalError(
        "TENSOR_TOO_LARGE",
        `A tensor of ${elements} elements: at most 2^31-1 are evaluated. Split it when compiling.`,
      );
    }
    return operandTensor(spaces[space][index], dtype, elements);
  });
  const totals = accumulate === "none" ? null : accumulateTensor(instruction, sources);

  const elements = outputElements(instruction);
  const bytes = new Uint8Array(outputBytes(instruction));
  const target = typedTensor(bytes, outDtype);
  const size = Math.min(BLOCK, elements);
  const values = expressionKinds(instruction, null).map(
    (kind): Values => (kind === "f32" ? new Float32Array(size) : new Int32Array(size)),
  );
  const steps = expression.map((operation, number) =>
    blockStep(instruction, operation, number, values, totals, sources),
  );
  const result = values.at(-1) as Values;
  for (let element = 0; element < elements; element += BLOCK) {
    const count = Math.min(BLOCK, elements - element);
    for (const step of steps) step(element, count);
    storeBlock(target, result.subarray(0, count), element);
  }
  return bytes;
}

/** Stores ints mod 2^8 or 2^32 and f32 as they are, except that every NaN is the canonical one. */
function storeBlock(target: TypedTensor, result: Values, element: number): void {
  target.set(result, element);
  if (!(target instanceof Float32Array)) return;
  const bits = new Uint32Array(target.buffer, target.byteOffset + element * 4, result.length);
  for (let i = 0; i < result.length; i++) if (Number.isNaN(result[i])) bits[i] = NAN_BITS;
}
