import { FatalError } from "@surety/protocol";
import { MerkleTree, type NodeSource } from "./merkle-tree.ts";
import { commitTensor } from "./tensor-tree.ts";

/**
 * A list of tensors and the tree over their roots: a run's trace, a model's weights, or a request's inputs (whose tree nobody asks for).
 *
 * Hashed when first asked for. Of each tensor the root is kept; its whole tree only if `tensorTree` was called.
 */
export class CommittedTensors {
  readonly #tensors: readonly Uint8Array[];
  readonly #roots = new Map<number, Uint8Array>();
  readonly #trees = new Map<number, MerkleTree>();
  #tree: MerkleTree | undefined;

  /** @param tensors Kept, and not to be changed. */
  constructor(tensors: readonly Uint8Array[]) {
    this.#tensors = tensors;
  }

  get count(): number {
    return this.#tensors.length;
  }

  /** @throws FatalError TENSOR_OUT_OF_RANGE */
  tensorBytes(index: number): Uint8Array {
    const bytes = this.#tensors[index];
    if (bytes === undefined) {
      throw new FatalError("TENSOR_OUT_OF_RANGE", `There is no tensor ${index} among ${this.count}.`);
    }
    return bytes;
  }

  tensorTree(index: number): MerkleTree {
    const tree = this.#trees.get(index) ?? commitTensor(this.tensorBytes(index));
    this.#trees.set(index, tree);
    this.#roots.set(index, tree.root);
    return tree;
  }

  tensorRoot(index: number): Uint8Array {
    const root = this.#roots.get(index) ?? commitTensor(this.tensorBytes(index)).root;
    this.#roots.set(index, root);
    return root;
  }

  tensorRoots(): Uint8Array[] {
    return this.#tensors.map((_, index) => this.tensorRoot(index));
  }

  /** The tree over the tensor roots. */
  get tree(): MerkleTree {
    this.#tree ??= MerkleTree.of(this.tensorRoots());
    return this.#tree;
  }

  /** Root of the tree; 0 without tensors. */
  get root(): Uint8Array {
    return this.tree.root;
  }
}

/**
 * The tensors of a run in program order, as one tree from the run down to a leaf of bytes: the trace tree, and below its leaf i the tree of tensor i.
 */
export class CommittedTrace extends CommittedTensors {
  /** The tree that a walk is in: the trace tree, or the one below its leaf `tensor`. */
  at(tensor: number | null): NodeSource {
    return tensor === null ? this.tree : this.tensorTree(tensor);
  }
}

/** A model's weights in the program's order. */
export function weightsTree(weights: readonly Uint8Array[]): CommittedTensors {
  return new CommittedTensors(weights);
}
