import type { GameStep, ModelHeader } from "@surety/chain";
import type { Place } from "@surety/protocol";
import type { Hex } from "viem";

/** A Merkle tree whose every node can be read. Padding is 0. */
export interface TreeView {
  node(place: Place): Hex;
}

/** One tensor of the challenger's own run. */
export interface OwnTensor extends TreeView {
  readonly bytes: Uint8Array;
}

/** What the referee needs beyond the poster's bytes: everything it reads stands left of the disputed tensor. */
export type StepWitness = Pick<GameStep, "instruction" | "inputRoots" | "operands">;

/** The challenger's own run of a disputed request: its trace, its trees, and the program behind them. */
export interface OwnRun {
  readonly header: ModelHeader;
  readonly instructionCount: number;
  /** The tree over all tensor roots. */
  readonly trace: TreeView;
  /** Number `instruction` of the trace, with its own tree. */
  tensor(instruction: number): OwnTensor;
  /** The instruction as the program root commits to it. */
  encodedInstruction(instruction: number): Hex;
  /** Path of the instruction in the program. */
  instructionProof(instruction: number): readonly Hex[];
  /**
   * The operands of one element, their leaves taken from the own run.
   *
   * @param traceProof The path of an earlier tensor's root in the trace that the poster committed.
   */
  stepWitness(
    instruction: number,
    element: number,
    traceProof: (tensor: number) => readonly Hex[],
  ): StepWitness;
}
