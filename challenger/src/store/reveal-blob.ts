import { bytesToHex, concat, type Hex, hexToBytes } from "viem";

const HASH_BYTES = 32;

/** Hashes one after the other, as they stand in the store. */
export function blobOf(nodes: readonly Hex[]): Uint8Array {
  return hexToBytes(concat(nodes));
}

export function nodesOf(blob: Uint8Array): Hex[] {
  return Array.from({ length: blob.length / HASH_BYTES }, (_, index) =>
    bytesToHex(blob.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)),
  );
}
