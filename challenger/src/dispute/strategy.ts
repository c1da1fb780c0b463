import {
  assertNever,
  type GameView,
  LEAF_BYTES,
  nextMove as moveDue,
  revealLevels,
  type WalkPhase,
} from "@surety/protocol";
import { pathIn } from "./hashing.ts";
import type { ChallengerMove, WaitReason } from "./move.ts";
import type { OwnRun } from "./own-run.ts";
import { posterTracePath } from "./poster-trace.ts";
import { bytesBelow, nodesBelow, type Revealed } from "./revealed.ts";
import { leafHashes, leafOf, pickFirstDifference, pickFirstElement, revealHashesTo } from "./rules.ts";

/**
 * The honest challenger: the next move of one of its own games, from the game's state, its own run and what the poster has revealed. Pure.
 *
 * @param revealed All that stands revealed of the assertion, in whatever game.
 * @example
 * const move = nextMove(await gameOf(chain, at, gameId), ownRun, revealed);
 */
export function nextMove(view: GameView, own: OwnRun, revealed: readonly Revealed[]): ChallengerMove {
  const due = moveDue(view);
  if (due === undefined) return wait("over");
  switch (due.kind) {
    case "closeVoid":
      return { kind: "closeVoid" };
    case "claimTimeout":
      // Its own lost clock is the poster's to claim: the bond is gone, gas need not follow it.
      return view.turn === "poster-timed-out" ? { kind: "claimTimeout" } : wait("lost-on-time");
    case "commitTrace":
    case "reveal":
    case "revealBytes":
      return wait("poster-to-move");
    case "select":
    case "selectTensor":
      return pick(view, own, revealed, due.kind);
    case "step":
      return step(view, own, revealed);
    default:
      return assertNever(due.kind);
  }
}

function wait(why: WaitReason): ChallengerMove {
  return { kind: "wait", why };
}

function pick(
  view: GameView,
  own: OwnRun,
  revealed: readonly Revealed[],
  kind: "select" | "selectTensor",
): ChallengerMove {
  const { node, height, position } = view;
  const phase: WalkPhase = view.phase === "tensor" ? "tensor" : "trace";
  const instruction = phase === "tensor" ? view.instruction : undefined;
  // A trace of one tensor has no nodes below its root: the root is the tensor.
  const children = revealLevels(phase, height) === 0 ? [node] : nodesBelow(revealed, instruction, view);
  if (children === undefined || !revealHashesTo(node, children)) return wait("reveal-not-seen");

  const tree = instruction === undefined ? own.trace : own.tensor(instruction);
  const child = pickFirstDifference(phase, view, children, tree);
  const childHash = child === undefined ? undefined : children[child];
  if (child === undefined || childHash === undefined) return wait("nothing-differs");
  const picked = { node, child, childHash, proof: pathIn(children, child) };
  if (kind === "select") return { kind, ...picked };
  const index = position * children.length + child;
  return {
    kind,
    ...picked,
    index,
    instruction: own.encodedInstruction(index),
    instructionProof: own.instructionProof(index),
  };
}

function step(view: GameView, own: OwnRun, revealed: readonly Revealed[]): ChallengerMove {
  const { node, instruction: disputed, elementBytes, height, position } = view;
  const data = bytesBelow(revealed, disputed, view);
  if (data === undefined) return wait("reveal-not-seen");
  const hashes = leafHashes(data, height, LEAF_BYTES);
  if (!revealHashesTo(node, hashes)) return wait("reveal-not-seen");

  const element = pickFirstElement(view, data, own.tensor(disputed), elementBytes);
  if (element === undefined) return wait("nothing-differs");
  const leaf = Math.floor((element * elementBytes) / LEAF_BYTES);
  const leafBelowNode = leaf - position * 2 ** height;
  const trace = { instructionCount: own.instructionCount, disputed, own: own.trace, revealed };
  return {
    kind: "step",
    node,
    step: {
      leaf,
      leafBytes: leafOf(data, leafBelowNode, LEAF_BYTES),
      leafProof: pathIn(hashes, leafBelowNode),
      element,
      ...own.stepWitness(disputed, element, (tensor) => posterTracePath(trace, tensor)),
    },
  };
}
