import { checkInstruction } from "./check.ts";
import { isExactInDoubles, staysInside } from "./index-range.ts";
import { ACCUMULATED_OPERANDS, DTYPES, type Dtype, type Instruction, type Operand } from "./instruction.ts";
import { malformed } from "./malformed.ts";
import { extremumNeverEmpty } from "./max-coverage.ts";
import { MAX_STEP_BYTES, MAX_STEP_GAS, worstStepCost } from "./step-cost.ts";
import { outputElements } from "./tensor-size.ts";
import { checkValueRanges } from "./value-ranges.ts";

/** Instructions a program may have. */
export const MAX_INSTRUCTIONS = 2 ** 20;

/** What an operand's reference must agree with. */
export interface TensorType {
  readonly dtype: Dtype;
  readonly elements: number;
}

export interface ValidateProgramParameters {
  readonly instructions: readonly Instruction[];
  readonly weights: readonly TensorType[];
  readonly inputs: readonly TensorType[];
}

/**
 * Proves that no element of any instruction is malformed, whatever the inputs and weights hold (docs/exact-profile.md, section 5), and that
 * each can be recomputed in one transaction.
 * Nodes and challengers call it once per model, before they stake anything on it.
 *
 * Stricter than the referee: it refuses what it cannot prove.
 *
 * @example
 * validateProgram({ instructions, weights: [{ dtype: "i8", elements: 864 }], inputs: [{ dtype: "u8", elements: 150528 }] });
 * @throws FatalError PROGRAM_MALFORMED with the number of the instruction and the rule it breaks.
 */
export function validateProgram({ instructions, weights, inputs }: ValidateProgramParameters): void {
  if (instructions.length < 1 || instructions.length > MAX_INSTRUCTIONS) {
    throw malformed(null, `${instructions.length} instructions, not 1 to 2^20`);
  }
  for (const [kind, tensors] of Object.entries({ weight: weights, input: inputs })) {
    for (const [number, { dtype, elements }] of tensors.entries()) {
      if (elements < 1 || elements * DTYPES[dtype].bytes >= 2 ** 32) {
        throw malformed(
          null,
          `${kind} ${number} has ${elements} elements of ${dtype}, not 1 to 2^32-1 bytes`,
        );
      }
    }
  }
  const trace: TensorType[] = [];
  const spaces = { trace, weight: weights, input: inputs };
  for (const [index, instruction] of instructions.entries()) {
    checkInstruction(instruction, index);
    for (const [number, operand] of instruction.operands.entries()) {
      checkReference(operand, spaces[operand.space][operand.index], number, index);
    }
    checkIndexMaps(instruction, index);
    checkValueRanges(instruction, index);
    checkStep(instruction, index, Math.max(instructions.length, weights.length));
    trace.push({ dtype: instruction.outDtype, elements: outputElements(instruction) });
  }
}

/** What no transaction can have recomputed, no challenger can refute. */
function checkStep(instruction: Instruction, index: number, tensors: number): void {
  const { bytes, gas } = worstStepCost(instruction, tensors);
  if (bytes <= MAX_STEP_BYTES && gas <= MAX_STEP_GAS) return;
  throw malformed(
    index,
    `recomputing one element takes up to ${bytes} bytes and ${gas} gas, more than the ${MAX_STEP_BYTES} and ${MAX_STEP_GAS} that fit into a transaction`,
  );
}

function checkReference(
  operand: Operand,
  tensor: TensorType | undefined,
  number: number,
  index: number,
): void {
  const name = `operand ${number}: ${operand.space} ${operand.index}`;
  if (tensor === undefined) throw malformed(index, `${name} does not exist`);
  // An input's floats can be read as their bits, which tells what is NaN.
  const isBits = operand.space === "input" && operand.dtype === "i32" && tensor.dtype === "f32";
  if ((tensor.dtype !== operand.dtype && !isBits) || tensor.elements !== operand.elements) {
    throw malformed(
      index,
      `${name} has ${tensor.elements} elements of ${tensor.dtype}, not ${operand.elements} of ${operand.dtype}`,
    );
  }
}

/** Stricter than the referee: evaluators of whole tensors index with int32s. */
function checkTensorSize(elements: number, what: string, index: number | null): void {
  if (elements < 2 ** 31) return;
  throw malformed(index, `${what} has ${elements} elements, nodes compute with at most 2^31-1`);
}

/**
 * Proves that every operand is read inside its tensor and that a maximum or minimum is never empty. The instruction must have passed
 * `checkInstruction`. An operand that `inside` and `loadat` alone name is never malformed: its forms need only be exact.
 *
 * @throws FatalError PROGRAM_MALFORMED
 */
export function checkIndexMaps(instruction: Instruction, index: number | null): void {
  const dims = [...instruction.outDims, ...instruction.reduceDims];
  checkTensorSize(outputElements(instruction), "its output", index);
  const computed = (number: number) =>
    instruction.expression.some(({ code, a }) => a === number && (code === "inside" || code === "loadat"));
  const loaded = (number: number) =>
    instruction.expression.some(({ code, a }) => a === number && code === "load");
  for (const [number, operand] of instruction.operands.entries()) {
    checkTensorSize(operand.elements, `operand ${number}`, index);
    if (![operand.map, ...operand.bounds].every((form) => isExactInDoubles(form, dims))) {
      throw malformed(index, `operand ${number}: an index reaches 2^53, more than nodes compute`);
    }
    const accumulated = number < ACCUMULATED_OPERANDS[instruction.accumulate];
    if (!accumulated && !loaded(number) && computed(number)) continue;
    if (!staysInside(operand, dims)) {
      throw malformed(
        index,
        `operand ${number}: its index is not proven to stay within its ${operand.elements} elements`,
      );
    }
  }
  const { accumulate } = instruction;
  if ((accumulate === "max" || accumulate === "min") && !extremumNeverEmpty(instruction)) {
    throw malformed(index, `the ${accumulate} is not proven to have an element in bounds everywhere`);
  }
}
