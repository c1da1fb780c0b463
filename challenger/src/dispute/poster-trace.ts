import { FatalError, isPadding, leafSpan, type Place, traceTop } from "@surety/protocol";
import type { Hex } from "viem";
import { levelsOver, nodeHash, ZERO_HASH } from "./hashing.ts";
import type { TreeView } from "./own-run.ts";
import type { Revealed } from "./revealed.ts";

export interface PosterTraceParameters {
  readonly instructionCount: number;
  /** The first tensor that differs: all before it are equal to the challenger's own. */
  readonly disputed: number;
  readonly own: TreeView;
  readonly revealed: readonly Revealed[];
}

/**
 * The path of a tensor before the disputed one in the tree that the *poster* committed.
 *
 * Such a path crosses nodes that hold the disputed tensor or stand right of it, where the poster's tree is not the challenger's. Each node is
 * one of three: it lies wholly left of the disputed tensor, then it equals the challenger's own; or it was revealed or lies between two revealed levels on the
 * walk, then the poster's is known; or it is made of two such nodes. A path never leaves these: where it joins the walk, the walk's
 * reveals hold both of the node's sides.
 *
 * @throws FatalError POSTER_NODE_UNKNOWN when the walk's reveals are not all there
 */
export function posterTracePath(parameters: PosterTraceParameters, tensor: number): Hex[] {
  const node = posterTraceNode(parameters);
  const { height: top } = traceTop(parameters.instructionCount);
  return Array.from({ length: top }, (_, height) =>
    node({ height, position: Math.floor(tensor / 2 ** height) ^ 1 }),
  );
}

function posterTraceNode({ instructionCount, disputed, own, revealed }: PosterTraceParameters) {
  const known = revealedTraceNodes(revealed);

  return function node(place: Place): Hex {
    if (isPadding(place, instructionCount)) return ZERO_HASH;
    if (leafSpan(place).end <= disputed) return own.node(place);
    const found = known.get(keyOf(place));
    if (found !== undefined) return found;
    if (place.height === 0) {
      throw new FatalError(
        "POSTER_NODE_UNKNOWN",
        `Tensor root ${place.position} of the poster's trace is not known, yet a path needs it. Read the chain's events again.`,
      );
    }
    const { height, position } = place;
    return nodeHash(
      node({ height: height - 1, position: 2 * position }),
      node({ height: height - 1, position: 2 * position + 1 }),
    );
  };
}

/** Every node of the trace that the reveals give: those shown, and those between them and the node they hang from. */
function revealedTraceNodes(revealed: readonly Revealed[]): Map<string, Hex> {
  const known = new Map<string, Hex>();
  for (const fact of revealed) {
    if (fact.kind !== "nodes" || fact.instruction !== undefined) continue;
    const levels = levelsOver(fact.children);
    for (const [index, level] of levels.entries()) {
      const height = fact.place.height - (levels.length - 1) + index;
      const first = fact.place.position * level.length;
      for (const [offset, hash] of level.entries())
        known.set(keyOf({ height, position: first + offset }), hash);
    }
  }
  return known;
}

function keyOf({ height, position }: Place): string {
  return `${height}/${position}`;
}
