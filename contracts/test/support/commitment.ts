import { bytesToHex, concat, type Hex, keccak256 } from "viem";

/**
 * The commitments of docs/exact-profile.md, section 4, by the letter and without regard to speed: what the contracts are tested against.
 */
export const LEAF_BYTES = 256;
export const ZERO_HASH: Hex = `0x${"00".repeat(32)}`;

export function leafHash(data: Uint8Array): Hex {
  return keccak256(concat([new Uint8Array([0]), data]));
}

export function nodeHash(left: Hex, right: Hex): Hex {
  return left === ZERO_HASH && right === ZERO_HASH ? ZERO_HASH : keccak256(concat(["0x01", left, right]));
}

export function listHash(roots: readonly Hex[]): Hex {
  return keccak256(concat(["0x02", ...roots]));
}

/** All levels of a tree, the padded lowest one first. */
export type Tree = readonly (readonly Hex[])[];

export function treeOf(hashes: readonly Hex[]): Tree {
  const padded = [...hashes];
  while ((padded.length & (padded.length - 1)) !== 0) padded.push(ZERO_HASH);
  const levels: Hex[][] = [padded];
  for (let level = padded; level.length > 1; ) {
    level = level.flatMap((left, i) => (i % 2 === 0 ? [nodeHash(left, level[i + 1] as Hex)] : []));
    levels.push(level);
  }
  return levels;
}

export function rootOf(tree: Tree): Hex {
  return tree.at(-1)?.[0] as Hex;
}

export function leavesOf(tensor: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(tensor.length / LEAF_BYTES) }, (_, i) =>
    tensor.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES),
  );
}

export function tensorTree(tensor: Uint8Array): Tree {
  return treeOf(leavesOf(tensor).map(leafHash));
}

/** The multiproof of strictly increasing positions. */
export function multiproof(tree: Tree, positions: readonly number[]): Hex[] {
  const proof: Hex[] = [];
  let known = [...positions];
  for (const level of tree.slice(0, -1)) {
    const next: number[] = [];
    for (let i = 0; i < known.length; i++) {
      const position = known[i] as number;
      if (position % 2 === 0 && known[i + 1] === position + 1) i++;
      else proof.push(level[position ^ 1] as Hex);
      next.push(position >> 1);
    }
    known = next;
  }
  return proof;
}

/** An operand's witness as the referee takes it. */
export interface OperandWitness {
  readonly tensorRoot: Hex;
  readonly tensorProof: readonly Hex[];
  readonly leaves: readonly number[];
  readonly data: Hex;
  readonly proof: readonly Hex[];
}

export const NO_WITNESS: OperandWitness = {
  tensorRoot: ZERO_HASH,
  tensorProof: [],
  leaves: [],
  data: "0x",
  proof: [],
};

/**
 * @param touched Byte offsets that must be covered.
 * @param space The tree of tensor roots that the tensor stands in, and its place there; null for an input.
 */
export function witnessOf(
  tensor: Uint8Array,
  touched: readonly number[],
  space: { readonly tree: Tree; readonly position: number } | null,
): OperandWitness {
  const leaves = [...new Set(touched.map((offset) => Math.floor(offset / LEAF_BYTES)))].sort((a, b) => a - b);
  if (leaves.length === 0) return NO_WITNESS;
  const tree = tensorTree(tensor);
  const pieces = leavesOf(tensor);
  return {
    tensorRoot: rootOf(tree),
    tensorProof: space === null ? [] : multiproof(space.tree, [space.position]),
    leaves,
    data: concat(leaves.map((leaf) => bytesToHex(pieces[leaf] as Uint8Array))),
    proof: multiproof(tree, leaves),
  };
}
