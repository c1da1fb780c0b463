import { LEAF_BYTES } from "@surety/protocol";
import {
  ACCUMULATED_OPERANDS,
  type AffineForm,
  DTYPES,
  type Instruction,
  type Operand,
} from "./instruction.ts";
import {
  BOUND_GAS,
  CALLDATA_GAS,
  DIM_GAS,
  DOT_GAS,
  EXTREMUM_GAS,
  FORM_GAS,
  GAME_GAS,
  type Layout,
  LEAF_GAS,
  NODE_GAS,
  OPERAND_BYTES,
  OPERATION_GAS,
  RUN_BOUND_GAS,
  RUN_GAS,
  STEP_BYTES,
  STEP_GAS,
  SUM_GAS,
} from "./step-gas.ts";

/** Most bytes of operand leaves and their proofs in one step: nodes of public networks pass on transactions of up to 128 KiB. */
export const MAX_STEP_BYTES = 110_000;
/** Most gas of one step: a transaction has 2^24 (EIP-7825), of which some is kept for the game. */
export const MAX_STEP_GAS = 14_000_000;

/** What compiled instructions are split for: no step of theirs is to cost more. */
export const STEP_BUDGET: StepCost = { bytes: 100_000, gas: 1_000_000 };

const HASH_BYTES = 32;
/** Tensors that a program may have of a kind. */
const MOST_TENSORS = 2 ** 20;
/** Shorter runs are taken element by element. */
const SHORT_RUN = 8;

/** What the step on one element costs at most. */
export interface StepCost {
  /** Of the operands' leaves and their proofs. */
  readonly bytes: number;
  /** Of the transaction of a game that has the element recomputed and wins by it, its calldata at the floor of EIP-7623 included. */
  readonly gas: number;
}

/**
 * An upper bound of what it costs to have one element of an instruction recomputed on the chain, whichever element it is. What cannot be
 * recomputed cannot be refuted.
 *
 * @param tensors Instructions or weights of the program, whichever are more: the tree that operands are proven in. Default: as many as there may be.
 */
export function worstStepCost(instruction: Instruction, tensors = MOST_TENSORS): StepCost {
  const rootLevels = Math.ceil(Math.log2(Math.max(1, tensors)));
  const { accumulate, operands, expression } = instruction;
  const accumulated = ACCUMULATED_OPERANDS[accumulate];
  let bytes = 0;
  let gas = STEP_GAS + GAME_GAS + reductionGas(instruction);
  for (const [number, operand] of operands.entries()) {
    const reading = operandReading(instruction, operand, number < accumulated, number, rootLevels);
    bytes += LEAF_BYTES * reading.leaves + HASH_BYTES * reading.hashes;
    gas += LEAF_GAS * reading.leaves + NODE_GAS * (reading.hashes + 2 * reading.leaves) + formsGas(operand);
  }
  for (const { code } of expression) gas += OPERATION_GAS[code];
  const calldata = STEP_BYTES + OPERAND_BYTES * operands.length + bytes;
  return { bytes, gas: Math.max(gas + calldata * CALLDATA_GAS.standard, calldata * CALLDATA_GAS.floor) };
}

function formsGas({ map, bounds }: Operand): number {
  const dims = DIM_GAS * (map.out.length + map.reduce.length);
  return FORM_GAS + dims + bounds.length * (BOUND_GAS + dims);
}

/** Of the runs of a reduction and their elements. */
function reductionGas(instruction: Instruction): number {
  const { accumulate, operands, reduceDims } = instruction;
  if (accumulate === "none") return 0;
  const accumulated = operands.slice(0, ACCUMULATED_OPERANDS[accumulate]);
  const { length, strides } = innermostRun(accumulated, reduceDims);
  const positions = reduceDims.reduce((product, dim) => product * dim, 1);
  const layouts = accumulated.map((operand, k) => layoutOf(operand, strides[k] as number, length));
  const [first] = accumulated as [Operand];
  // The referee's words hold zero points of bytes, not of every size.
  const zeros = [instruction.aZero, instruction.bZero];
  const wideZeros = accumulate === "dot" && zeros.some((zero) => zero < -128 || zero > 255);
  const layout = (["scattered", "strided", "contiguous"] as const).find(
    (one) => layouts.includes(one) || (one === "strided" && wideZeros),
  ) as Layout;
  const element =
    accumulate === "dot"
      ? DOT_GAS
      : accumulate === "sum"
        ? SUM_GAS[first.dtype as keyof typeof SUM_GAS]
        : EXTREMUM_GAS[first.dtype];
  const bounds = accumulated.reduce((sum, operand) => sum + operand.bounds.length, 0);
  const run = RUN_GAS[accumulate === "dot" ? "dot" : "other"] + bounds * RUN_BOUND_GAS;
  return positions * element[layout] + (positions / length) * run;
}

function layoutOf(operand: Operand, stride: number, length: number): Layout {
  const step = Math.abs(stride) * DTYPES[operand.dtype].bytes;
  if (step > LEAF_BYTES) return "scattered";
  return Math.abs(stride) === 1 && length >= SHORT_RUN ? "contiguous" : "strided";
}

/** Positions that the referee walks in one run, and each operand's stride there: dims join from the inside while every form goes on without a seam. */
function innermostRun(operands: readonly Operand[], reduceDims: readonly number[]) {
  const forms: AffineForm[] = operands.flatMap(({ map, bounds }) => [map, ...bounds]);
  let length = 1;
  let strides = operands.map(() => 0);
  const steps = forms.map(() => 0);
  for (let k = reduceDims.length - 1; k >= 0; k--) {
    const dim = reduceDims[k] as number;
    if (dim === 1) continue;
    const coefficients = forms.map((form) => form.reduce[k] as number);
    if (length > 1 && !coefficients.every((value, i) => value === (steps[i] as number) * length)) break;
    if (length === 1) {
      for (const [i, value] of coefficients.entries()) steps[i] = value;
      strides = operands.map(({ map }) => map.reduce[k] as number);
    }
    length *= dim;
  }
  return { length, strides };
}

/** Most leaves of an operand that one element's step reads, and most hashes that prove them up to the root of roots. */
function operandReading(
  instruction: Instruction,
  operand: Operand,
  accumulated: boolean,
  number: number,
  rootLevels: number,
) {
  const { expression, reduceDims } = instruction;
  const named = (wanted: string) =>
    expression.filter(({ code, a }) => code === wanted && a === number).length;
  const width = DTYPES[operand.dtype].bytes;
  const leavesOfTensor = Math.ceil((operand.elements * width) / LEAF_BYTES);
  // Every computed index may lie in a leaf of its own.
  const single = named("loadat") + (named("load") > 0 && !accumulated ? 1 : 0);
  const reduction = accumulated ? stretchesOf(operand, reduceDims) : { stretches: 0, leaves: 0 };
  const leaves = Math.min(leavesOfTensor, reduction.leaves + single);
  if (leaves === 0) return { leaves, hashes: 0 };
  // At each level a stretch has a neighbour at either end, and no level has more nodes than are not known.
  const ends = Math.min(2 * reduction.stretches + single, reduction.leaves + single);
  const height = Math.ceil(Math.log2(leavesOfTensor));
  let hashes = rootLevels;
  for (let level = 0; level < height; level++) hashes += Math.min(ends, 2 ** (height - level) - 1);
  return { leaves, hashes };
}

/**
 * Most leaves that a reduction reads, and in how many stretches of neighbouring ones: dimensions that stay within a leaf of each other count as
 * one stretch of bytes.
 */
function stretchesOf({ map, dtype }: Operand, reduceDims: readonly number[]) {
  const width = DTYPES[dtype].bytes;
  const steps = reduceDims
    .map((dim, k) => ({ dim, stride: Math.abs(map.reduce[k] ?? 0) * width }))
    .sort((a, b) => a.stride - b.stride);
  let stretch = width;
  let stretches = 1;
  for (const { dim, stride } of steps) {
    if (stride <= Math.max(stretch, LEAF_BYTES)) stretch += stride * (dim - 1);
    else stretches *= dim;
  }
  // A stretch may begin at a leaf's last byte. Elements do not straddle leaves.
  const leavesOfStretch = Math.floor((stretch - width) / LEAF_BYTES) + (stretch > width ? 2 : 1);
  return { stretches, leaves: stretches * leavesOfStretch };
}

/** The instruction of a program whose steps cost most. */
export interface WorstStep extends StepCost {
  readonly instruction: number;
}

/** The most expensive step of a program, by gas. */
export function worstStep(instructions: readonly Instruction[], weights: number): WorstStep {
  let worst: WorstStep = { instruction: 0, bytes: 0, gas: 0 };
  for (const [index, instruction] of instructions.entries()) {
    const cost = worstStepCost(instruction, Math.max(instructions.length, weights));
    if (cost.gas > worst.gas) worst = { instruction: index, ...cost };
  }
  return worst;
}
