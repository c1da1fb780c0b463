export * from "./committed-tensors.ts";
export { equalHashes, HASH_BYTES, LEAF_BYTES, leafHash, listHash, nodeHash, zeroHash } from "./hashes.ts";
export * from "./hex.ts";
export * from "./keccak256.ts";
export * from "./merkle-tree.ts";
export * from "./multiproof.ts";
export * from "./overlaid-tree.ts";
export * from "./tensor-tree.ts";
export * from "./witness.ts";
