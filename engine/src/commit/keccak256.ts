import { createKeccak } from "hash-wasm";

const hasher = await createKeccak(256);

/** keccak256 of the bytes, 32 bytes. One WebAssembly hasher for the whole thread: synchronous, no state between calls. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest("binary");
}
