import type { HashLevels } from "./batch/hash-pool.ts";
import { MerkleTree, type NodeSource } from "./merkle-tree.ts";
import { type TensorList, tensorsInMemory } from "./tensor-list.ts";
import { commitTensor } from "./tensor-tree.ts";

/** Trees of single tensors that are kept: those of one step's operands. Each takes a quarter of its tensor's bytes. */
const KEPT_TREES = 8;

/**
 * A list of tensors and the tree over their roots: a run's trace, a model's weights, or a request's inputs (whose tree nobody asks for).
 *
 * Hashed when first asked for. Of each tensor the root is kept; of the few whose trees were asked for last, the tree. So what it takes beside the
 * tensors is little, and a list on disk stays there.
 */
export class CommittedTensors implements TensorList {
  readonly #tensors: TensorList;
  readonly #hash: HashLevels | undefined;
  readonly #roots = new Map<number, Uint8Array>();
  readonly #trees = new Map<number, MerkleTree>();
  #tree: MerkleTree | undefined;

  /**
   * @param tensors Kept, and not to be changed.
   * @param hash Default: the calling thread's pool.
   */
  constructor(tensors: readonly Uint8Array[] | TensorList, hash?: HashLevels) {
    this.#hash = hash;
    this.#tensors = "tensorBytes" in tensors ? tensors : tensorsInMemory(tensors);
  }

  get count(): number {
    return this.#tensors.count;
  }

  /** @throws FatalError TENSOR_OUT_OF_RANGE */
  tensorBytes(index: number): Uint8Array {
    return this.#tensors.tensorBytes(index);
  }

  tensorTree(index: number): MerkleTree {
    const tree = this.#trees.get(index) ?? commitTensor(this.tensorBytes(index), this.#hash);
    this.#trees.delete(index);
    this.#trees.set(index, tree);
    for (const oldest of this.#trees.keys()) {
      if (this.#trees.size <= KEPT_TREES) break;
      this.#trees.delete(oldest);
    }
    this.#roots.set(index, tree.root);
    return tree;
  }

  tensorRoot(index: number): Uint8Array {
    const root = this.#roots.get(index) ?? commitTensor(this.tensorBytes(index), this.#hash).root;
    this.#roots.set(index, root);
    return root;
  }

  tensorRoots(): Uint8Array[] {
    return Array.from({ length: this.count }, (_, index) => this.tensorRoot(index));
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

  /** Closes the list it was made of. */
  close(): void {
    this.#tensors.close();
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
