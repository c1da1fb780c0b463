import { FatalError, treeHeight } from "@surety/protocol";
import { parentLevel } from "./batch/hash-levels.ts";
import { HASH_BYTES, zeroHash } from "./hashes.ts";
import { multiproof } from "./multiproof.ts";

export { treeHeight };

/** Nodes of a tree by place: height 0 are the leaves; 0 <= index < 2^(treeHeight - height). What is absent is the zero hash. */
export interface NodeSource {
  readonly height: number;
  node(height: number, index: number): Uint8Array;
}

/**
 * The tree of docs/exact-profile.md, section 4: hashes padded with 0 to a power of two. Padding is not stored.
 *
 * @example
 * const tree = MerkleTree.of([leafHash(a), leafHash(b), leafHash(c)]);
 * tree.node(0, 3); // the zero hash
 */
export class MerkleTree implements NodeSource {
  readonly height: number;
  /** Hashes it was made of. */
  readonly count: number;
  /** One packed array a level, leaves first. */
  readonly #levels: readonly Uint8Array[];

  /**
   * @param leaves Hashes one after the other, kept and not to be changed. None at all gives the root 0.
   * @param above The levels above them as far as they are known already.
   */
  constructor(leaves: Uint8Array, above: readonly Uint8Array[] = []) {
    this.count = leaves.length / HASH_BYTES;
    this.height = treeHeight(this.count);
    const levels = [leaves, ...above];
    for (let level = levels.at(-1) as Uint8Array; level.length > HASH_BYTES; ) {
      level = parentLevel(level);
      levels.push(level);
    }
    this.#levels = levels;
  }

  static of(leaves: readonly Uint8Array[]): MerkleTree {
    const packed = new Uint8Array(leaves.length * HASH_BYTES);
    for (const [index, leaf] of leaves.entries()) packed.set(leaf, index * HASH_BYTES);
    return new MerkleTree(packed);
  }

  get root(): Uint8Array {
    return this.node(this.height, 0);
  }

  /**
   * A copy of the node's hash.
   *
   * @throws FatalError NODE_OUT_OF_RANGE
   */
  node(height: number, index: number): Uint8Array {
    const level = this.#levels[height];
    if (level === undefined || index < 0 || index >= 2 ** (this.height - height)) {
      throw new FatalError(
        "NODE_OUT_OF_RANGE",
        `Node ${index} at height ${height} does not exist in a tree of height ${this.height}.`,
      );
    }
    const at = index * HASH_BYTES;
    return at < level.length ? level.slice(at, at + HASH_BYTES) : zeroHash();
  }

  /** The 2^levels nodes `levels` below a node, left to right. */
  descendants(height: number, index: number, levels: number): Uint8Array[] {
    const width = 2 ** levels;
    return Array.from({ length: width }, (_, i) => this.node(height - levels, index * width + i));
  }

  /** Proof of the leaves at these strictly increasing positions. */
  multiproof(indices: readonly number[]): Uint8Array[] {
    return multiproof(this, indices);
  }
}
