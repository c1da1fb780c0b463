import { HASH_BYTES, LEAF_BYTES, leafHash } from "../hashes.ts";
import { instantiateKeccak, SCRATCH_BYTES } from "./keccak-module.ts";

/** Leaves of the subtrees that a tensor's tree is hashed by, a power of two: their bytes and hashes stay in the cache. */
export const SUBTREE_LEAVES = 256;
export const SUBTREE_BYTES = SUBTREE_LEAVES * LEAF_BYTES;
/** Levels of such a subtree, its leaves and its root among them. */
export const SUBTREE_LEVELS = Math.log2(SUBTREE_LEAVES) + 1;

const INPUT = SCRATCH_BYTES;
const HASHES = INPUT + SUBTREE_BYTES;
const keccak = instantiateKeccak(HASHES + SUBTREE_BYTES);
const memory = new Uint8Array(keccak.memory.buffer);
const words = new Int32Array(keccak.memory.buffer);

/**
 * The hashes of a subtree's leaves, and of the nodes above them.
 *
 * @param bytes What the leaves hold, at most SUBTREE_BYTES; the last leaf may be shorter than the others.
 * @param levels Where the hashes go, leaves first: each half as long as the one before, an odd number counted up.
 */
export function hashSubtree(bytes: Uint8Array, levels: readonly Uint8Array[]): void {
  memory.set(bytes, INPUT);
  const whole = Math.floor(bytes.length / LEAF_BYTES);
  if (whole > 0) keccak.leaves(INPUT, HASHES, INPUT + whole * LEAF_BYTES);
  const rest = bytes.subarray(whole * LEAF_BYTES);
  if (rest.length > 0) memory.set(leafHash(rest), HASHES + whole * HASH_BYTES);
  let at = HASHES;
  for (const [height, level] of levels.entries()) {
    if (height > 0) at = hashParents(at, (levels[height - 1] as Uint8Array).length);
    level.set(memory.subarray(at, at + level.length));
  }
}

/** The level above one of any hashes, a multiple of 32 bytes. */
export function parentLevel(level: Uint8Array): Uint8Array {
  const above = new Uint8Array(Math.ceil(level.length / (2 * HASH_BYTES)) * HASH_BYTES);
  for (let from = 0; from < level.length; from += SUBTREE_BYTES / 2) {
    const part = level.subarray(from, from + SUBTREE_BYTES / 2);
    memory.set(part, INPUT);
    const at = hashParents(INPUT, part.length);
    above.set(memory.subarray(at, at + Math.ceil(part.length / (2 * HASH_BYTES)) * HASH_BYTES), from / 2);
  }
  return above;
}

/** Hashes pairs of the hashes that stand at an address, and says where the results stand: right behind. */
function hashParents(at: number, length: number): number {
  const end = at + Math.ceil(length / (2 * HASH_BYTES)) * 2 * HASH_BYTES;
  memory.fill(0, at + length, end);
  keccak.nodes(at, end, end);
  for (let pair = at / 4, out = end / 4; pair < end / 4; pair += 16, out += 8) {
    // The node over two absent ones is absent too.
    if (words[pair] === 0 && words.subarray(pair, pair + 16).every((word) => word === 0)) {
      words.fill(0, out, out + 8);
    }
  }
  return end;
}

/** Empty levels for the tree over so many bytes, up to the roots of its subtrees. */
export function emptyLevels(
  bytes: number,
  make: (length: number) => Uint8Array = (length) => new Uint8Array(length),
): Uint8Array[] {
  let count = Math.ceil(bytes / LEAF_BYTES);
  const levels = [make(count * HASH_BYTES)];
  while (levels.length < SUBTREE_LEVELS && count > 1) {
    count = Math.ceil(count / 2);
    levels.push(make(count * HASH_BYTES));
  }
  return levels;
}

/** The part of these levels that the first so many bytes take. */
export function levelsOfBytes(levels: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const leaves = Math.ceil(bytes / LEAF_BYTES);
  return levels.map((level, height) => level.subarray(0, Math.ceil(leaves / 2 ** height) * HASH_BYTES));
}

/** The parts of a tree's levels that belong to one of its subtrees. */
export function levelsOfSubtree(levels: readonly Uint8Array[], subtree: number): Uint8Array[] {
  return levels.map((level, height) => {
    const width = (SUBTREE_LEAVES >> height) * HASH_BYTES;
    return level.subarray(subtree * width, (subtree + 1) * width);
  });
}

/** Fills the levels made by `emptyLevels`, on the calling thread. */
export function hashLevels(bytes: Uint8Array, levels: readonly Uint8Array[]): void {
  for (let subtree = 0; subtree * SUBTREE_BYTES < bytes.length; subtree++) {
    const start = subtree * SUBTREE_BYTES;
    hashSubtree(bytes.subarray(start, start + SUBTREE_BYTES), levelsOfSubtree(levels, subtree));
  }
}
