import { LEAF_BYTES } from "@surety/protocol";
import { ACCUMULATED_OPERANDS, DTYPES, type Instruction, type Operand } from "./instruction.ts";

/** Most bytes of operand leaves in one step: nodes of public networks pass on transactions of up to 128 KiB. */
export const MAX_STEP_BYTES = 110_000;
/** Most gas of one step: a transaction has 2^24 (EIP-7825), of which some is kept for the game and the proofs. */
export const MAX_STEP_GAS = 14_000_000;

/** What compiled instructions are split for: no step of theirs is to cost more. */
export const STEP_BUDGET: StepCost = { bytes: 100_000, gas: 1_000_000 };

/** Of a byte of calldata, at the floor of EIP-7623. */
const GAS_PER_BYTE = 40;
/** Rounded up from measurements of the referee. */
const GAS_PER_POSITION = { contiguous: 10, strided: 300 } as const;
const GAS_PER_RUN = 2_000;

/** What the step on one element costs at most. */
export interface StepCost {
  /** Of the operands' leaves. */
  readonly bytes: number;
  readonly gas: number;
}

/**
 * An upper bound of what it costs to have one element of an instruction recomputed on the chain, whichever element it is. What cannot be
 * recomputed cannot be refuted.
 */
export function worstStepCost(instruction: Instruction): StepCost {
  const { accumulate, operands, reduceDims } = instruction;
  const accumulated = operands.slice(0, ACCUMULATED_OPERANDS[accumulate]);
  const bytes = operands.reduce(
    (sum, operand, number) =>
      sum + LEAF_BYTES * (number < accumulated.length ? mostLeaves(operand, reduceDims) : 1),
    0,
  );
  const inner = reduceDims.at(-1) ?? 1;
  const positions = reduceDims.reduce((product, dim) => product * dim, 1);
  const contiguous = accumulated.every(({ map }) => Math.abs(map.reduce.at(-1) ?? 0) === 1);
  const perPosition = contiguous ? GAS_PER_POSITION.contiguous : GAS_PER_POSITION.strided;
  const gas = bytes * GAS_PER_BYTE + positions * perPosition + (positions / inner) * GAS_PER_RUN;
  return { bytes, gas };
}

/** Most leaves of an operand that one reduction reads: dimensions that stay within a leaf of each other count as one stretch of bytes. */
function mostLeaves({ map, dtype, elements }: Operand, reduceDims: readonly number[]): number {
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
  const leavesOfTensor = Math.ceil((elements * width) / LEAF_BYTES);
  // A stretch may begin at a leaf's last byte. Elements do not straddle leaves.
  const leavesOfStretch = Math.floor((stretch - width) / LEAF_BYTES) + (stretch > width ? 2 : 1);
  return Math.min(leavesOfTensor, stretches * leavesOfStretch);
}
