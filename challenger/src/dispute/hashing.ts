import { FatalError } from "@surety/protocol";
import { concat, type Hex, keccak256 } from "viem";

/** The hash that stands for "nothing here". */
export const ZERO_HASH: Hex = `0x${"0".repeat(64)}`;

/** node(l, r) of docs/exact-profile.md, section 4. */
export function nodeHash(left: Hex, right: Hex): Hex {
  return left === ZERO_HASH && right === ZERO_HASH ? ZERO_HASH : keccak256(concat(["0x01", left, right]));
}

/** leaf(bytes) of docs/exact-profile.md, section 4. */
export function leafHash(bytes: Uint8Array): Hex {
  return keccak256(concat([Uint8Array.of(0), bytes]));
}

/** Every level over 2^k nodes, from the nodes themselves up to their one root. */
export function levelsOver(nodes: readonly Hex[]): readonly (readonly Hex[])[] {
  const levels: (readonly Hex[])[] = [nodes];
  for (let level = nodes; level.length > 1; ) {
    if (level.length % 2 !== 0) {
      throw new FatalError("TREE_NOT_WHOLE", `${nodes.length} nodes are no whole level of a tree.`);
    }
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, index) =>
      nodeHash(below[2 * index] as Hex, below[2 * index + 1] as Hex),
    );
    levels.push(level);
  }
  return levels;
}

/** The node over 2^k nodes. */
export function rootOver(nodes: readonly Hex[]): Hex {
  return levelsOver(nodes).at(-1)?.[0] ?? ZERO_HASH;
}

/** The path of node number `index` up to the root over `nodes`. */
export function pathIn(nodes: readonly Hex[], index: number): Hex[] {
  return levelsOver(nodes)
    .slice(0, -1)
    .map((level, height) => level[Math.floor(index / 2 ** height) ^ 1] as Hex);
}
