import { fromHex, leafHash, MerkleTree, type NodeSource, toHex } from "@surety/engine";
import { byteSpan, childPlaces, LEAF_BYTES, type Place, type WalkPhase } from "@surety/protocol";
import type { Hex } from "viem";

/**
 * Pick the first child that differs from the own tree.
 *
 * The *first*, because all that stands left of the pick is thereby accepted, and equal to the own run: the operands of the disputed
 * element come before it in the program, so they can be proven out of the own run against the poster's root.
 *
 * @returns The child's number, or `undefined` when all are equal.
 */
export function pickFirstDifference(
  phase: WalkPhase,
  disputed: Place,
  children: readonly Hex[],
  own: NodeSource,
): number | undefined {
  // A trace of one tensor has no nodes below its root: the root is the tensor.
  const places = phase === "trace" && disputed.height === 0 ? [disputed] : childPlaces(phase, disputed);
  const child = places.findIndex(
    ({ height, position }, index) => toHex(own.node(height, position)) !== children[index],
  );
  return child === -1 ? undefined : child;
}

/**
 * Pick the first element whose bytes differ.
 *
 * Any differing element wins, since each has one right value; the first makes the game's result the same for every honest challenger.
 *
 * @returns The element's number in its tensor, or `undefined` when all bytes are equal.
 */
export function pickFirstElement(
  disputed: Place,
  data: Uint8Array,
  own: Uint8Array,
  elementBytes: number,
): number | undefined {
  const { first } = byteSpan(disputed, own.length);
  const at = data.findIndex((byte, index) => byte !== own[first + index]);
  return at === -1 ? undefined : Math.floor((first + at) / elementBytes);
}

/**
 * Believe a reveal only when it hashes to the node in dispute.
 *
 * The contract has checked it, but an RPC may answer out of another fork or lie; a move built on such nodes would be refused and cost time on
 * the clock.
 *
 * @returns The tree below the node, or `undefined` when it is another's.
 */
export function believeNodes(node: Hex, children: readonly Hex[]): MerkleTree | undefined {
  const tree = MerkleTree.of(children.map(fromHex));
  return toHex(tree.root) === node ? tree : undefined;
}

/** The same for revealed bytes: leaves are filled up with 0 to the 2^height below the node. */
export function believeBytes(node: Hex, height: number, data: Uint8Array): MerkleTree | undefined {
  const hashes: Hex[] = Array.from({ length: 2 ** height }, (_, leaf) =>
    leaf * LEAF_BYTES < data.length ? toHex(leafHash(leafBytes(data, leaf))) : ZERO_HASH,
  );
  return believeNodes(node, hashes);
}

const ZERO_HASH: Hex = `0x${"0".repeat(64)}`;

/** The bytes of one leaf of revealed bytes. */
export function leafBytes(data: Uint8Array, leaf: number): Uint8Array {
  return data.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES);
}
