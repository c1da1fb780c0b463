import { byteSpan, childPlaces, type Place, type WalkPhase } from "@surety/protocol";
import { bytesToHex, type Hex } from "viem";
import { leafHash, rootOver, ZERO_HASH } from "./hashing.ts";
import type { OwnTensor, TreeView } from "./own-run.ts";

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
  own: TreeView,
): number | undefined {
  const places = phase === "trace" && disputed.height === 0 ? [disputed] : childPlaces(phase, disputed);
  const child = places.findIndex((place, index) => own.node(place) !== children[index]);
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
  own: OwnTensor,
  elementBytes: number,
): number | undefined {
  const { first } = byteSpan(disputed, own.bytes.length);
  const at = data.findIndex((byte, index) => byte !== own.bytes[first + index]);
  return at === -1 ? undefined : Math.floor((first + at) / elementBytes);
}

/**
 * Believe a reveal only when it hashes to the node in dispute.
 *
 * The contract has checked it, but an RPC may answer out of another fork or lie; a move built on such nodes would be refused and cost time on
 * the clock.
 */
export function revealHashesTo(node: Hex, children: readonly Hex[]): boolean {
  return rootOver(children) === node;
}

/** The leaf hashes of revealed bytes, filled up with 0 to the 2^height leaves below their node. */
export function leafHashes(data: Uint8Array, height: number, leafBytes: number): Hex[] {
  return Array.from({ length: 2 ** height }, (_, leaf) =>
    leaf * leafBytes < data.length
      ? leafHash(data.subarray(leaf * leafBytes, (leaf + 1) * leafBytes))
      : ZERO_HASH,
  );
}

/** The bytes of one leaf of revealed bytes. */
export function leafOf(data: Uint8Array, leaf: number, leafBytes: number): Hex {
  return bytesToHex(data.subarray(leaf * leafBytes, (leaf + 1) * leafBytes));
}
