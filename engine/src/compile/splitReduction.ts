import {
  ACCUMULATED_OPERANDS,
  type AffineForm,
  type Dtype,
  type Instruction,
  type Operand,
} from "../program/instruction.ts";
import { extremumNeverEmpty } from "../program/max-coverage.ts";
import { STEP_BUDGET, worstStepCost } from "../program/step-cost.ts";
import { product } from "./view.ts";

/** A reduction in two: parts of it, and what makes them one. */
export interface SplitReduction {
  /** Its output has one more axis (or several): the parts. */
  readonly partial: Instruction;
  /** The instruction that gives what the whole one did, from the number of the partial one. It may need splitting in turn. */
  combine(partial: number): Instruction;
}

/** Bounds an operand may have. */
const MAX_BOUNDS = 4;
const MAX_RANK = 8;

/**
 * Splits a reduction whose worst step is beyond the budget: outer reduction axes become output axes of a partial reduction, and the parts are
 * combined by a second one. Sums wrap, so they may be grouped at will; so may maxima and minima.
 *
 * @returns undefined where the instruction fits the budget or cannot be split further
 */
export function splitReduction(instruction: Instruction): SplitReduction | undefined {
  if (instruction.accumulate === "none" || fits(instruction)) return undefined;
  const { reduceDims } = instruction;
  for (let axis = 0; axis < reduceDims.length; axis++) {
    const outerFits = instruction.outDims.length + axis + 1 <= MAX_RANK;
    if (!outerFits) return undefined;
    for (const parts of partCounts(instruction, axis)) {
      const partial = partialReduction(instruction, axis, parts);
      if (partial && fits(partial) && !isEmptySomewhere(partial))
        return { partial, combine: (number) => combination(instruction, partial, number) };
    }
  }
  return undefined;
}

function fits(instruction: Instruction): boolean {
  const { bytes, gas } = worstStepCost(instruction);
  return bytes <= STEP_BUDGET.bytes && gas <= STEP_BUDGET.gas;
}

/** A part of a padded window may lie wholly in the padding, which has no maximum. */
function isEmptySomewhere(instruction: Instruction): boolean {
  const { accumulate } = instruction;
  return (accumulate === "max" || accumulate === "min") && !extremumNeverEmpty(instruction);
}

/** Into how many parts an axis might be cut when the ones before it are taken apart: few first, even ones before uneven ones, all last. */
function partCounts(instruction: Instruction, axis: number): number[] {
  const size = instruction.reduceDims[axis] as number;
  const { bytes, gas } = worstStepCost(instruction);
  const outer = product(instruction.reduceDims.slice(0, axis));
  const excess = Math.max(bytes / STEP_BUDGET.bytes, gas / STEP_BUDGET.gas);
  const least = Math.max(2, Math.ceil(excess / outer));
  const counts = Array.from({ length: 4 * least }, (_, k) => least + k).filter((parts) => parts < size);
  const even = counts.filter((parts) => size % parts === 0);
  const uneven = [1, 1.25, 1.5, 2, 3, 4]
    .map((factor) => Math.ceil(least * factor))
    .filter((parts) => parts < size);
  return [...even, ...uneven, size];
}

/** The reduction over the axes after `axis` and a part of that one; the parts and the axes before it are output axes. */
function partialReduction(instruction: Instruction, axis: number, parts: number): Instruction | undefined {
  const { accumulate, outDims, reduceDims, aZero, bZero } = instruction;
  const size = reduceDims[axis] as number;
  const length = Math.ceil(size / parts);
  // The last of uneven parts may be cut short, but not be empty.
  const count = Math.ceil(size / length);
  const isEven = count * length === size;
  const operands = instruction.operands.slice(0, ACCUMULATED_OPERANDS[accumulate]);
  if (!isEven && operands.some((operand) => operand.bounds.length === MAX_BOUNDS)) return undefined;
  const reshape = (form: AffineForm): AffineForm => {
    const stride = form.reduce[axis] as number;
    return {
      offset: form.offset,
      out: [...form.out, ...form.reduce.slice(0, axis), stride * length],
      reduce: [stride, ...form.reduce.slice(axis + 1)],
    };
  };
  const zeros = outDims.map(() => 0);
  const inside = {
    limit: size,
    offset: 0,
    out: [...zeros, ...reduceDims.slice(0, axis).map(() => 0), length],
    reduce: [1, ...reduceDims.slice(axis + 1).map(() => 0)],
  };
  return {
    accumulate,
    outDtype: partialDtype(instruction),
    outDims: [...outDims, ...reduceDims.slice(0, axis), count],
    reduceDims: [length, ...reduceDims.slice(axis + 1)],
    aZero,
    bZero,
    operands: operands.map((operand) => ({
      ...operand,
      map: reshape(operand.map),
      bounds: [
        ...operand.bounds.map((bound) => ({ ...reshape(bound), limit: bound.limit })),
        ...(isEven ? [] : [inside]),
      ],
    })),
    expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
  };
}

/** What holds a part without loss: extrema are elements, sums wrap as the whole does. */
function partialDtype({ accumulate, operands }: Instruction): Dtype {
  const dtype = (operands[0] as Operand).dtype;
  if (accumulate === "max" || accumulate === "min" || dtype === "i64") return dtype;
  return "i32";
}

/** The reduction over the parts, with the whole one's expression. */
function combination(whole: Instruction, partial: Instruction, number: number): Instruction {
  const { outDims } = whole;
  const reduceDims = partial.outDims.slice(outDims.length);
  const strides = partial.outDims.map((_, axis) => product(partial.outDims.slice(axis + 1)));
  const noReduction = reduceDims.map(() => 0);
  const parts: Operand = {
    space: "trace",
    index: number,
    dtype: partial.outDtype,
    elements: product(partial.outDims),
    map: { offset: 0, out: strides.slice(0, outDims.length), reduce: strides.slice(outDims.length) },
    bounds: [],
  };
  // The expression reads its operands at reduction position 0.
  const others = whole.operands.map((operand) => ({
    ...operand,
    map: { ...operand.map, reduce: noReduction },
    bounds: operand.bounds.map((bound) => ({ ...bound, reduce: noReduction })),
  }));
  const reads = (code: string) => code === "load" || code === "inside" || code === "loadat";
  const accumulated = ACCUMULATED_OPERANDS[whole.accumulate];
  const readAnyway = whole.expression.some(({ code, a }) => reads(code) && a < accumulated);
  const dropped = readAnyway ? 0 : accumulated;
  return {
    accumulate: whole.accumulate === "dot" ? "sum" : whole.accumulate,
    outDtype: whole.outDtype,
    outDims,
    reduceDims,
    aZero: 0,
    bZero: 0,
    operands: [parts, ...others.slice(dropped)],
    expression: whole.expression.map((operation) =>
      reads(operation.code) ? { ...operation, a: operation.a - dropped + 1 } : operation,
    ),
  };
}
