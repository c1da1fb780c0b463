import type { Instruction } from "../program/instruction.ts";
import { outputBytes, outputElements } from "../program/tensor-size.ts";
import { checkIndexMaps } from "../program/validate.ts";
import { checkValueRanges } from "../program/value-ranges.ts";
import { accumulateTensor } from "./accumulate-tensor.ts";
import { blockStep } from "./block-step.ts";
import { blockValues, type Values, wordsOf } from "./block-values.ts";
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
 * @throws FatalError PROGRAM_MALFORMED when the index maps or zero points are not proven, TENSOR_WRONG_SIZE, REDUCTION_TOO_LONG.
 */
export function evaluateTensor(instruction: Instruction, tensors: Tensors): Uint8Array {
  const { outDtype, operands, expression, accumulate } = instruction;
  checkIndexMaps(instruction, null);
  checkValueRanges(instruction, null);
  const spaces = { trace: tensors.trace, weight: tensors.weights, input: tensors.inputs };
  const sources = operands.map(({ space, index, dtype, elements }) =>
    operandTensor(spaces[space][index], dtype, elements),
  );
  const totals = accumulate === "none" ? null : accumulateTensor(instruction, sources);

  const elements = outputElements(instruction);
  const bytes = new Uint8Array(outputBytes(instruction));
  const target = typedTensor(bytes, outDtype);
  const values = blockValues(instruction, Math.min(BLOCK, elements));
  const steps = expression.map((operation, number) =>
    blockStep(instruction, operation, number, values, totals, sources),
  );
  const result = values.at(-1) as Values;
  const store = blockStore(target, result);
  for (let element = 0; element < elements; element += BLOCK) {
    const count = Math.min(BLOCK, elements - element);
    for (const step of steps) step(element, count);
    store(element, count);
  }
  return bytes;
}

/** Stores ints mod 2^8, 2^32 or 2^64 and f32 as they are, except that every NaN is the canonical one. */
function blockStore(target: TypedTensor, result: Values): (element: number, count: number) => void {
  if (result instanceof Float32Array) {
    return (element, count) => storeFloats(target as Float32Array, result.subarray(0, count), element);
  }
  if (target instanceof BigInt64Array) {
    const from = wordsOf(result);
    const to = new Int32Array(target.buffer, target.byteOffset, 2 * target.length);
    return (element, count) => {
      from.load(count);
      to.set(from.words.subarray(0, 2 * count), 2 * element);
    };
  }
  const to = target as Uint8Array | Int8Array | Int32Array;
  if (result instanceof Int32Array) return (element, count) => to.set(result.subarray(0, count), element);
  const { words } = wordsOf(result);
  return (element, count) => {
    for (let i = 0; i < count; i++) to[element + i] = words[2 * i] as number;
  };
}

function storeFloats(target: Float32Array, result: Float32Array, element: number): void {
  target.set(result, element);
  const bits = new Uint32Array(target.buffer, target.byteOffset + element * 4, result.length);
  for (let i = 0; i < result.length; i++) if (Number.isNaN(result[i])) bits[i] = NAN_BITS;
}
