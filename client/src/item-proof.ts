import { itemBytes } from "@surety/protocol";
import { concat, type Hex, keccak256, zeroHash } from "viem";

const LEAF_BYTES = 256;

/** One item of a batch's output: its root, and its path in the tree over all items' roots, from below. */
export interface ItemProof {
  readonly root: Hex;
  readonly proof: readonly Hex[];
}

/**
 * Proves an item, by the commitments of docs/exact-profile.md, section 4. The engine has them faster, for tensors of megabytes; who asks need not install it.
 *
 * @param sizes Bytes of each output tensor of the model; `output` holds `itemCount` times what they add up to.
 */
export function itemProof(
  sizes: readonly number[],
  output: Uint8Array,
  itemCount: number,
  item: number,
): ItemProof {
  const roots = Array.from({ length: itemCount }, (_, i) => listHash(sizes, itemBytes(output, itemCount, i)));
  const levels = levelsOf(roots);
  const proof = levels.slice(0, -1).map((level, height) => level[(item >> height) ^ 1] ?? zeroHash);
  return { root: roots[item] as Hex, proof };
}

function listHash(sizes: readonly number[], joined: Uint8Array): Hex {
  let start = 0;
  const roots = sizes.map((size) => {
    start += size;
    return tensorRoot(joined.subarray(start - size, start));
  });
  return keccak256(concat(["0x02", ...roots]));
}

function tensorRoot(tensor: Uint8Array): Hex {
  const leaves = Array.from({ length: Math.ceil(tensor.length / LEAF_BYTES) }, (_, i) =>
    keccak256(concat([new Uint8Array([0]), tensor.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)])),
  );
  return levelsOf(leaves).at(-1)?.[0] as Hex;
}

/** All levels of a tree, the lowest first; an odd last node pairs with zero. */
function levelsOf(hashes: readonly Hex[]): (readonly Hex[])[] {
  const levels: (readonly Hex[])[] = [hashes];
  for (let level = hashes; level.length > 1; levels.push(level)) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      keccak256(concat(["0x01", level[2 * i] as Hex, level[2 * i + 1] ?? zeroHash])),
    );
  }
  return levels;
}
