import { FatalError } from "@surety/protocol";
import { equalHashes, nodeHash } from "./hashes.ts";
import type { NodeSource } from "./merkle-tree.ts";

/** Where a node of a level finds its sibling: among the known ones, or in the proof. */
interface Pair {
  /** Position of the parent in the level above. */
  readonly parent: number;
  /** Positions in the level of known left and right child; null where the proof gives it. */
  readonly left: number | null;
  readonly right: number | null;
}

/** The pairs of a level, in the order of docs/exact-profile.md, section 4. */
function pairUp(positions: readonly number[]): Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i] as number;
    const parent = Math.floor(position / 2);
    if (position % 2 === 1) pairs.push({ parent, left: null, right: position });
    else if (positions[i + 1] === position + 1)
      pairs.push({ parent, left: position, right: positions[++i] as number });
    else pairs.push({ parent, left: position, right: null });
  }
  return pairs;
}

/**
 * The hashes that, with the leaves at these positions, lead up to the root: from the bottom level up, left to right.
 *
 * @param indices Strictly increasing, at least one.
 * @throws FatalError POSITIONS_MALFORMED
 */
export function multiproof(tree: NodeSource, indices: readonly number[]): Uint8Array[] {
  if (!arePositions(indices, tree.height)) {
    throw new FatalError(
      "POSITIONS_MALFORMED",
      `Leaf positions ${indices} are not strictly increasing within a tree of height ${tree.height}.`,
    );
  }
  const proof: Uint8Array[] = [];
  let positions = indices;
  for (let height = 0; height < tree.height; height++) {
    const pairs = pairUp(positions);
    for (const { parent, left, right } of pairs) {
      if (left === null) proof.push(tree.node(height, 2 * parent));
      else if (right === null) proof.push(tree.node(height, 2 * parent + 1));
    }
    positions = pairs.map(({ parent }) => parent);
  }
  return proof;
}

export interface VerifyMultiproofParameters {
  readonly root: Uint8Array;
  readonly height: number;
  /** Strictly increasing leaf positions, at least one. */
  readonly indices: readonly number[];
  /** Leaf hashes at those positions. */
  readonly leaves: readonly Uint8Array[];
  readonly proof: readonly Uint8Array[];
}

/** True when the leaves stand at those positions under the root and every proof hash was used. */
export function verifyMultiproof({
  root,
  height,
  indices,
  leaves,
  proof,
}: VerifyMultiproofParameters): boolean {
  if (!arePositions(indices, height) || leaves.length !== indices.length) return false;
  let known = new Map(indices.map((position, i) => [position, leaves[i] as Uint8Array]));
  let used = 0;
  for (let level = 0; level < height; level++) {
    const above = new Map<number, Uint8Array>();
    for (const { parent, left, right } of pairUp([...known.keys()])) {
      const leftHash = left === null ? proof[used++] : known.get(left);
      const rightHash = right === null ? proof[used++] : known.get(right);
      if (leftHash === undefined || rightHash === undefined) return false;
      above.set(parent, nodeHash(leftHash, rightHash));
    }
    known = above;
  }
  return used === proof.length && equalHashes(known.get(0) as Uint8Array, root);
}

function arePositions(indices: readonly number[], height: number): boolean {
  const increasing = indices.every((index, i) => Number.isInteger(index) && index > (indices[i - 1] ?? -1));
  return indices.length > 0 && increasing && (indices.at(-1) as number) < 2 ** height;
}
