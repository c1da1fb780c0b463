import { LEAF_BYTES } from "@surety/protocol/constants";
import { keccak256 } from "./keccak256.ts";

export { LEAF_BYTES };
export const HASH_BYTES = 32;

/** Domain separation (docs/exact-profile.md, section 4). */
export const LEAF = 0;
export const NODE = 1;
const LIST = 2;

const leafMessage = new Uint8Array(1 + LEAF_BYTES);
const nodeMessage = new Uint8Array(1 + 2 * HASH_BYTES).fill(NODE, 0, 1);

/** The hash of what is absent, a new array each time. */
export function zeroHash(): Uint8Array {
  return new Uint8Array(HASH_BYTES);
}

/** keccak256(0x00 | bytes). Any length: leaves of a program are instructions. */
export function leafHash(bytes: Uint8Array): Uint8Array {
  const message = bytes.length === LEAF_BYTES ? leafMessage : new Uint8Array(1 + bytes.length);
  message[0] = LEAF;
  message.set(bytes, 1);
  return keccak256(message);
}

/** 0 if both are 0, else keccak256(0x01 | left | right); 32 bytes each. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (isZeroHash(left) && isZeroHash(right)) return zeroHash();
  nodeMessage.set(left, 1);
  nodeMessage.set(right, 1 + HASH_BYTES);
  return keccak256(nodeMessage);
}

/** keccak256(0x02 | root_0 | root_1 ...): of input tensor roots, and of output tensor roots. */
export function listHash(roots: readonly Uint8Array[]): Uint8Array {
  const message = new Uint8Array(1 + HASH_BYTES * roots.length);
  message[0] = LIST;
  for (const [number, root] of roots.entries()) message.set(root, 1 + number * HASH_BYTES);
  return keccak256(message);
}

export function isZeroHash(hash: Uint8Array): boolean {
  return hash[0] === 0 && hash.every((byte) => byte === 0);
}

export function equalHashes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
