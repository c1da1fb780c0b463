import {
  CommittedTensors,
  CommittedTrace,
  type MerkleTree,
  programTree,
  type TensorList,
} from "@surety/engine";

/** The challenger's own run of a disputed request: the model, the input, and every tensor the program computes from it. */
export interface OwnRun {
  /** Encoded instructions, as the program root commits to them. */
  readonly program: readonly Uint8Array[];
  readonly programTree: MerkleTree;
  readonly weights: CommittedTensors;
  readonly inputs: CommittedTensors;
  readonly trace: CommittedTrace;
}

export interface CreateOwnRunParameters {
  readonly program: readonly Uint8Array[];
  readonly weights: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
  /** The tensor of every instruction; whoever is done with the run closes its trace. */
  readonly tensors: readonly Uint8Array[] | TensorList;
}

/** Hashes nothing yet: trees are built when a move first needs them. */
export function createOwnRun(parameters: CreateOwnRunParameters): OwnRun {
  const { program, weights, inputs, tensors } = parameters;
  return {
    program,
    programTree: programTree(program),
    weights: new CommittedTensors(weights),
    inputs: new CommittedTensors(inputs),
    trace: new CommittedTrace(tensors),
  };
}
