import { expressionKinds } from "./expression-kinds.ts";
import {
  ACCUMULATORS,
  type Accumulate,
  type AffineForm,
  DTYPES,
  type Dtype,
  type Instruction,
  type Operand,
  SPACES,
} from "./instruction.ts";
import { malformed } from "./malformed.ts";
import { outputBytes, outputElements, reduceElements } from "./tensor-size.ts";

const BYTE_DTYPES: readonly Dtype[] = ["u8", "i8"];
const INT_DTYPES: readonly Dtype[] = ["u8", "i8", "i32", "i64"];
const ALL_DTYPES = Object.keys(DTYPES) as readonly Dtype[];

/** Dtypes allowed for operand 0, operand 1, ... of each reduction. */
const ACCUMULATED: Readonly<Record<Accumulate, readonly (readonly Dtype[])[]>> = {
  none: [],
  dot: [BYTE_DTYPES, BYTE_DTYPES],
  sum: [INT_DTYPES],
  max: [ALL_DTYPES],
  min: [ALL_DTYPES],
};

/**
 * Every rule of the profile that an instruction shows by itself: counts, sizes, dtypes, order and the kinds of its expression.
 * What needs the other tensors, and the index maps, is `validateProgram`'s.
 *
 * @throws FatalError PROGRAM_MALFORMED
 */
export function checkInstruction(instruction: Instruction, index: number): void {
  const { accumulate, outDtype, outDims, reduceDims, operands, expression } = instruction;
  const n = outDims.length;
  const m = reduceDims.length;
  const ensure = (holds: boolean, what: () => string) => {
    if (!holds) throw malformed(index, what());
  };

  ensure(Object.hasOwn(ACCUMULATORS, accumulate), () => `unknown accumulator ${accumulate}`);
  ensure(Object.hasOwn(DTYPES, outDtype), () => `unknown dtype ${outDtype}`);
  ensure(n >= 1 && n <= 8, () => `output rank ${n}, it must be 1 to 8`);
  ensure(m <= 8, () => `reduction rank ${m}, it must be at most 8`);
  ensure((m === 0) === (accumulate === "none"), () => `reduction rank ${m} with accumulator ${accumulate}`);
  for (const dim of [...outDims, ...reduceDims]) {
    ensure(isUint32(dim) && dim >= 1, () => `dim ${dim}, it must be 1 to 2^32-1`);
  }
  ensure(outputElements(instruction) < 2 ** 32, () => `output dims ${outDims} have 2^32 elements or more`);
  ensure(outputBytes(instruction) < 2 ** 32, () => `output dims ${outDims} have 2^32 bytes or more`);
  ensure(
    reduceElements(instruction) < 2 ** 32,
    () => `reduction dims ${reduceDims} multiply to 2^32 or more`,
  );

  ensure(isInt32(instruction.aZero) && isInt32(instruction.bZero), () => "a zero point is not an int32");
  const usesA = accumulate === "dot" || accumulate === "sum";
  ensure(usesA || instruction.aZero === 0, () => `aZero is unused by ${accumulate} and must be 0`);
  ensure(
    accumulate === "dot" || instruction.bZero === 0,
    () => `bZero is unused by ${accumulate} and must be 0`,
  );

  ensure(operands.length <= 8, () => `${operands.length} operands, at most 8 are allowed`);
  for (const [number, operand] of operands.entries()) checkOperand(operand, number, index, n, m);
  for (const [number, allowed] of ACCUMULATED[accumulate].entries()) {
    const dtype = operands[number]?.dtype;
    ensure(
      dtype !== undefined && allowed.includes(dtype),
      () => `operand ${number} of ${accumulate} is ${dtype ?? "missing"}, it must be ${allowed.join(" or ")}`,
    );
  }

  ensure(
    expression.length >= 1 && expression.length <= 64,
    () => `${expression.length} operations, not 1 to 64`,
  );
  for (const { a, b, imm } of expression) {
    ensure(isInt32(imm) && isByte(a) && isByte(b), () => "an operation's field does not fit its type");
  }
  const last = expressionKinds(instruction, index).at(-1);
  const due = outDtype === "f32" ? "f32" : "int";
  ensure(last === due, () => `the last value is ${last}, ${outDtype} needs ${due}`);
}

function checkOperand(operand: Operand, number: number, index: number, n: number, m: number): void {
  const ensure = (holds: boolean, what: () => string) => {
    if (!holds) throw malformed(index, `operand ${number}: ${what()}`);
  };
  ensure(Object.hasOwn(SPACES, operand.space), () => `unknown space ${operand.space}`);
  ensure(Object.hasOwn(DTYPES, operand.dtype), () => `unknown dtype ${operand.dtype}`);
  ensure(isUint32(operand.index), () => `tensor number ${operand.index} is not a u32`);
  ensure(
    operand.space !== "trace" || operand.index < index,
    () => `trace tensor ${operand.index} does not come earlier`,
  );
  ensure(isUint32(operand.elements) && operand.elements >= 1, () => `${operand.elements} elements`);
  ensure(operand.bounds.length <= 4, () => `${operand.bounds.length} bounds, at most 4 are allowed`);
  ensure(fits(operand.map, n, m), () => `its map does not have ${n} + ${m} int32 coefficients`);
  for (const bound of operand.bounds) {
    ensure(isUint32(bound.limit), () => `limit ${bound.limit} is not a u32`);
    ensure(fits(bound, n, m), () => `a bound does not have ${n} + ${m} int32 coefficients`);
  }
}

function fits(form: AffineForm, n: number, m: number): boolean {
  const { offset, out, reduce } = form;
  return out.length === n && reduce.length === m && [offset, ...out, ...reduce].every(isInt32);
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xff;
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function isInt32(value: number): boolean {
  return (value | 0) === value;
}
