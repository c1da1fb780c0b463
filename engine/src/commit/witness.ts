import { decodeInstruction } from "../program/decode.ts";
import { DTYPES, type Operand } from "../program/instruction.ts";
import { type ElementReader, readStoredBits, tensorReader } from "../referee/element-reader.ts";
import { touchedElements } from "../referee/touched-elements.ts";
import type { CommittedTensors } from "./committed-tensors.ts";
import { LEAF_BYTES, listHash, zeroHash } from "./hashes.ts";
import { type Hex, toHex } from "./hex.ts";
import type { NodeSource } from "./merkle-tree.ts";
import { multiproof } from "./multiproof.ts";

/** `IStepReferee.OperandWitness`. An operand that the element does not read has no leaves, no proofs and the tensor root 0. */
export interface OperandWitness {
  tensorRoot: Hex;
  /** From the tensor root's level up; empty for an input. */
  tensorProof: Hex[];
  /** Leaf numbers, strictly increasing. */
  leaves: number[];
  /** The bytes of those leaves, one after the other. */
  data: Hex;
  proof: Hex[];
}

/** The arguments of `IStepReferee.judge`, by name. */
export interface StepWitness {
  roots: { traceRoot: Hex; weightsRoot: Hex; inputRoot: Hex; instructionCount: number; weightCount: number };
  index: number;
  instruction: Hex;
  /** Flat index into the instruction's output. */
  element: number;
  /** Little-endian number of the dtype's width. */
  posted: bigint;
  /** Empty when no operand is an input. */
  inputRoots: Hex[];
  operands: OperandWitness[];
}

export interface BuildStepWitnessParameters {
  /** Encoded, as the program root commits to it. */
  readonly instruction: Uint8Array;
  /** Its number in the program. */
  readonly index: number;
  /** Flat index of the disputed element. */
  readonly element: number;
  /** The tensors that both sides agree on left of `index`, at the least. */
  readonly trace: CommittedTensors;
  readonly weights: CommittedTensors;
  readonly inputs: CommittedTensors;
  /** The poster's trace tree where it is not `trace.tree`: an `OverlaidTree` of what was revealed. */
  readonly traceTree?: NodeSource;
  /** What the poster's tensor holds at `element`. Default: what `trace` holds. */
  readonly posted?: bigint;
}

/**
 * Everything the referee needs to recompute one element: the bytes it reads, proven up to the trace root, the weights root or the inputs' list hash.
 *
 * @throws FatalError PROGRAM_MALFORMED when the instruction does not decode: then the referee needs no witness.
 */
export function buildStepWitness(parameters: BuildStepWitnessParameters): StepWitness {
  const { index, element, trace, weights, inputs } = parameters;
  const instruction = decodeInstruction(parameters.instruction, index);
  const traceTree = parameters.traceTree ?? trace.tree;
  const spaces = {
    trace: { tensors: trace, tree: () => traceTree },
    weight: { tensors: weights, tree: () => weights.tree },
    input: { tensors: inputs, tree: () => null },
  };
  const readers = instruction.operands.map(({ space, index: tensor, dtype }): ElementReader => {
    let read: ElementReader | undefined;
    return (flat) => {
      read ??= tensorReader(spaces[space].tensors.tensorBytes(tensor), dtype);
      return read(flat);
    };
  });
  const touched = touchedElements(instruction, element, readers);
  const operands = instruction.operands.map((operand, number) => {
    const { tensors, tree } = spaces[operand.space];
    return operandWitness(operand, touched[number] ?? [], tensors, tree());
  });
  const usesInputs = instruction.operands.some(({ space }) => space === "input");
  return {
    roots: {
      traceRoot: toHex(traceTree.node(traceTree.height, 0)),
      weightsRoot: toHex(weights.root),
      inputRoot: toHex(listHash(inputs.tensorRoots())),
      instructionCount: trace.count,
      weightCount: weights.count,
    },
    index,
    instruction: toHex(parameters.instruction),
    element,
    posted: parameters.posted ?? readStoredBits(trace.tensorBytes(index), instruction.outDtype, element),
    inputRoots: usesInputs ? inputs.tensorRoots().map(toHex) : [],
    operands,
  };
}

/** @param tree Of the tensor roots; null where they are listed instead. */
function operandWitness(
  operand: Operand,
  touched: readonly number[],
  tensors: CommittedTensors,
  tree: NodeSource | null,
): OperandWitness {
  const width = DTYPES[operand.dtype].bytes;
  const leaves = [...new Set(touched.map((flat) => Math.floor((flat * width) / LEAF_BYTES)))];
  if (leaves.length === 0) {
    return { tensorRoot: toHex(zeroHash()), tensorProof: [], leaves: [], data: "0x", proof: [] };
  }
  const bytes = tensors.tensorBytes(operand.index);
  const tensorTree = tensors.tensorTree(operand.index);
  const data = leaves.map((leaf) => bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES));
  return {
    tensorRoot: toHex(tensorTree.root),
    tensorProof: tree === null ? [] : multiproof(tree, [operand.index]).map(toHex),
    leaves,
    data: toHex(Buffer.concat(data)),
    proof: tensorTree.multiproof(leaves).map(toHex),
  };
}
