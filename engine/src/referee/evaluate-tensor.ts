import { FatalError } from "@surety/protocol";
import { expressionKinds } from "../program/expression-kinds.ts";
import { DTYPES, type Instruction, type Operand } from "../program/instruction.ts";
import { outputBytes, outputElements } from "../program/tensor-size.ts";
import { checkIndexMaps } from "../program/validate.ts";
import { checkValueRanges } from "../program/value-ranges.ts";
import { accumulateTensor } from "./accumulate-tensor.ts";
import { BLOCK_OPERATIONS, blockStep, type Values } from "./block-step.ts";
import { tensorReader } from "./element-reader.ts";
import { evaluateElement } from "./evaluate-element.ts";
import { NAN_BITS } from "./scalar.ts";
import { type NumberTensor, operandTensor, type TypedTensor, typedTensor } from "./typed-tensor.ts";

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
  if (!inBlocks(instruction)) return elementByElement(instruction, sources);
  const narrow = sources as NumberTensor[];
  const totals = accumulate === "none" ? null : accumulateTensor(instruction, narrow);

  const elements = outputElements(instruction);
  const bytes = new Uint8Array(outputBytes(instruction));
  const target = typedTensor(bytes, outDtype) as NumberTensor;
  const size = Math.min(BLOCK, elements);
  const values = expressionKinds(instruction, null).map(
    (kind): Values => (kind === "f32" ? new Float32Array(size) : new Int32Array(size)),
  );
  const steps = expression.map((operation, number) =>
    blockStep(instruction, operation, number, values, totals, narrow),
  );
  const result = values.at(-1) as Values;
  for (let element = 0; element < elements; element += BLOCK) {
    const count = Math.min(BLOCK, elements - element);
    for (const step of steps) step(element, count);
    storeBlock(target, result.subarray(0, count), element);
  }
  return bytes;
}

function inBlocks({ accumulate, operands, outDtype, expression }: Instruction): boolean {
  return (
    accumulate !== "min" &&
    (accumulate !== "max" || operands[0]?.dtype !== "f32") &&
    outDtype !== "i64" &&
    operands.every(({ dtype }) => dtype !== "i64") &&
    expression.every(({ code }) => BLOCK_OPERATIONS.has(code))
  );
}

function elementByElement(instruction: Instruction, sources: readonly TypedTensor[]): Uint8Array {
  const { outDtype, operands } = instruction;
  const width = DTYPES[outDtype].bytes;
  const readers = sources.map(({ buffer, byteOffset, byteLength }, number) =>
    tensorReader(new Uint8Array(buffer, byteOffset, byteLength), (operands[number] as Operand).dtype),
  );
  const bytes = new Uint8Array(outputBytes(instruction));
  for (let element = 0; element < outputElements(instruction); element++) {
    let bits = evaluateElement(instruction, element, readers);
    for (let i = 0; i < width; i++, bits >>= 8n) bytes[element * width + i] = Number(bits & 0xffn);
  }
  return bytes;
}

/** Stores ints mod 2^8 or 2^32 and f32 as they are, except that every NaN is the canonical one. */
function storeBlock(target: NumberTensor, result: Values, element: number): void {
  target.set(result, element);
  if (!(target instanceof Float32Array)) return;
  const bits = new Uint32Array(target.buffer, target.byteOffset + element * 4, result.length);
  for (let i = 0; i < result.length; i++) if (Number.isNaN(result[i])) bits[i] = NAN_BITS;
}
