import { instantiateKeccak, SCRATCH_BYTES } from "../../engine/src/commit/batch/keccak-module.ts";

const CHUNK = 65_536;

/**
 * The batch kernel's own speed: as many leaves and nodes as the tree over so many bytes has, of whatever stands in its memory. Nothing is copied and no tree is
 * built: what committing takes beyond this is not hashing.
 */
export function kernelAlone(): (bytes: number) => void {
  const hashes = SCRATCH_BYTES + CHUNK;
  const kernel = instantiateKeccak(hashes + CHUNK);
  return (bytes) => {
    for (let at = 0; at < bytes; at += CHUNK) {
      const length = Math.min(CHUNK, bytes - at);
      kernel.leaves(SCRATCH_BYTES, hashes, SCRATCH_BYTES + length);
      // A node for each leaf, all but one.
      kernel.nodes(SCRATCH_BYTES, hashes, SCRATCH_BYTES + length / 4);
    }
  };
}
