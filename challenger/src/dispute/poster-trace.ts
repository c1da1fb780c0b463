import { fromHex, type NodeSource, OverlaidTree } from "@surety/engine";
import type { Hex } from "viem";
import type { Revealed, RevealedNodes } from "./revealed.ts";

/**
 * The tree that the *poster* committed, as far as paths of tensors before the disputed one need it.
 *
 * Such a path crosses nodes that hold the disputed tensor or stand right of it, where the poster's tree is not the challenger's own. Take a sibling
 * on the path. Wholly left of the disputed tensor: it equals the own. Otherwise the path's own node or the sibling holds the disputed tensor, so both
 * are on the walk or beside it, and each reveal of the walk gives all nodes between the node it hangs from and the nodes it shows.
 *
 * @param root The trace root that the poster committed.
 * @throws FatalError REVEAL_WRONG when the reveals are not of this tree
 */
export function posterTrace(own: NodeSource, root: Hex, revealed: readonly Revealed[]): NodeSource {
  const tree = new OverlaidTree(own, fromHex(root));
  const reveals = revealed.filter(
    (fact): fact is RevealedNodes =>
      fact.kind === "nodes" && fact.instruction === undefined && fact.children.length > 0,
  );
  // From the root down: a reveal is checked against the node it hangs from, which an earlier one has shown.
  for (const { place, children } of reveals.toSorted((a, b) => b.place.height - a.place.height)) {
    tree.reveal(place.height, place.position, children.map(fromHex));
  }
  return tree;
}
