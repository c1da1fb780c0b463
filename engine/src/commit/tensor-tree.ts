import { HASH_BYTES, LEAF_BYTES, leafHash, listHash } from "./hashes.ts";
import { MerkleTree } from "./merkle-tree.ts";

export { tensorHeight } from "@surety/protocol";

/** Leaves of a tensor of so many bytes. */
export function tensorLeaves(bytes: number): number {
  return Math.ceil(bytes / LEAF_BYTES);
}

/** The tree over a tensor's bytes; its root is the tensor root. */
export function commitTensor(bytes: Uint8Array): MerkleTree {
  const leaves = new Uint8Array(tensorLeaves(bytes.length) * HASH_BYTES);
  for (let at = 0, out = 0; at < bytes.length; at += LEAF_BYTES, out += HASH_BYTES) {
    leaves.set(leafHash(bytes.subarray(at, at + LEAF_BYTES)), out);
  }
  return new MerkleTree(leaves);
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
