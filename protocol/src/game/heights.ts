import { BYTES_HEIGHT, LEAF_BYTES, REVEAL_LEVELS } from "./constants.ts";

/** The two trees that a game walks, one after the other. */
export type WalkPhase = "trace" | "tensor";

/** ceil(log2 count): the height of a tree over `count` hashes (docs/exact-profile.md, section 4); 0 for none or one. */
export function treeHeight(count: number): number {
  let height = 0;
  while (2 ** height < count) height += 1;
  return height;
}

/** Height of the trace tree of a program with `instructionCount` instructions. */
export function traceHeight(instructionCount: number): number {
  return treeHeight(instructionCount);
}

/** Leaves of a tensor of `bytes` bytes. */
export function leafCount(bytes: number): number {
  return Math.ceil(bytes / LEAF_BYTES);
}

/** Height of the tree of a tensor of `bytes` bytes. */
export function tensorHeight(bytes: number): number {
  return treeHeight(leafCount(bytes));
}

/**
 * How many levels the reveal of a node at `height` shows; the reveal carries 2^levels nodes.
 * 0 means that there are no nodes to reveal: a tensor's node is then revealed as its bytes, and a trace's leaf is one tensor.
 *
 * @example
 * revealLevels("tensor", 9) // 6, then 1, then the bytes
 */
export function revealLevels(phase: WalkPhase, height: number): number {
  const walkable = phase === "trace" ? height : height - BYTES_HEIGHT;
  return Math.max(0, Math.min(REVEAL_LEVELS, walkable));
}
