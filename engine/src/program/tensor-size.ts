import { DTYPES, type Instruction } from "./instruction.ts";

/** Product of the output dims. */
export function outputElements(instruction: Pick<Instruction, "outDims">): number {
  return instruction.outDims.reduce((product, dim) => product * dim, 1);
}

/** Bytes of the tensor that the instruction computes. */
export function outputBytes(instruction: Pick<Instruction, "outDims" | "outDtype">): number {
  return outputElements(instruction) * DTYPES[instruction.outDtype].bytes;
}

/** Positions of one reduction: the product of the reduction dims, 1 for `none`. */
export function reduceElements(instruction: Pick<Instruction, "reduceDims">): number {
  return instruction.reduceDims.reduce((product, dim) => product * dim, 1);
}
