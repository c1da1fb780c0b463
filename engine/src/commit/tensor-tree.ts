import { emptyLevels } from "./batch/hash-levels.ts";
import { type HashLevels, hashOnAllCores } from "./batch/hash-pool.ts";
import { LEAF_BYTES, leafHash, listHash } from "./hashes.ts";
import { MerkleTree } from "./merkle-tree.ts";

export { tensorHeight } from "@surety/protocol";

/** Leaves of a tensor of so many bytes. */
export function tensorLeaves(bytes: number): number {
  return Math.ceil(bytes / LEAF_BYTES);
}

/**
 * The tree over a tensor's bytes; its root is the tensor root. Blocks until it is hashed; large tensors on all cores.
 *
 * @param hash Default: the calling thread's pool.
 */
export function commitTensor(bytes: Uint8Array, hash: HashLevels = hashOnAllCores): MerkleTree {
  const levels = emptyLevels(bytes.length);
  hash(bytes, levels);
  const [leaves, ...above] = levels;
  return new MerkleTree(leaves as Uint8Array, above);
}

/** List hash of a request's input tensors, in the model's order. */
export function inputsRoot(inputs: readonly Uint8Array[]): Uint8Array {
  return listHash(inputs.map((bytes) => commitTensor(bytes).root));
}

/** List hash of an answer's output tensors, in the model's order. */
export function outputsRoot(outputs: readonly Uint8Array[]): Uint8Array {
  return inputsRoot(outputs);
}

/** The tree over encoded instructions; its root is the program root. */
export function programTree(instructions: readonly Uint8Array[]): MerkleTree {
  return MerkleTree.of(instructions.map(leafHash));
}
