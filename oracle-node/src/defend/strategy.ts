import { type CommittedTrace, toHex } from "@surety/engine";
import {
  assertNever,
  byteSpan,
  childPlaces,
  FatalError,
  type GameView,
  nextMove,
  type Place,
  traceTop,
  type WalkPhase,
} from "@surety/protocol";
import type { Hex } from "viem";
import type { DefenceMove } from "./move.ts";

/** What can be decided without the trace: `undefined` when it takes one, because the poster is to commit or to reveal. */
export function defenceWithoutTrace(view: GameView): DefenceMove | undefined {
  if (view.turn === "poster-timed-out") return { kind: "wait", why: "lost-on-time" };
  const move = nextMove(view);
  switch (move?.kind) {
    case undefined:
    case "closeVoid":
      return { kind: "wait", why: "over" };
    case "claimTimeout":
      return { kind: "claimTimeout" };
    case "select":
    case "selectTensor":
    case "step":
      return { kind: "wait", why: "challenger-to-move" };
    case "commitTrace":
    case "reveal":
    case "revealBytes":
      return undefined;
    default:
      return assertNever(move as never);
  }
}

/**
 * The poster's one move in a game, from the game's state and its own trace alone: no memory, no I/O. So it is the same after a restart, and a
 * simulation can play it against any EVM.
 *
 * @param outputInstructions Instruction of each output of the model, in the model's order.
 * @example
 * const move = nextDefence(await gameOf(chain, addresses, gameId), trace, header.outputs.map((o) => o.instruction));
 *
 * @throws FatalError TRACE_MISMATCH when the node in dispute is not one of this trace: it was committed from another run.
 */
export function nextDefence(
  view: GameView,
  trace: CommittedTrace,
  outputInstructions: readonly number[],
): DefenceMove {
  const early = defenceWithoutTrace(view);
  if (early !== undefined) return early;
  const due = nextMove(view)?.kind;
  if (due === "commitTrace") return traceCommitment(trace, outputInstructions);
  const { tree, phase } = treeOf(view, trace);
  const node = requireOwnNode(view, tree.node(view.height, view.position));
  if (due === "revealBytes") {
    const bytes = trace.tensorBytes(view.instruction);
    const { first, end } = byteSpan(view, bytes.length);
    return { kind: "revealBytes", node, data: bytes.slice(first, end) };
  }
  const children = childPlaces(phase, view).map((place) => toHex(tree.node(place.height, place.position)));
  return { kind: "reveal", node, children };
}

/** The trace root, that the posted outputs are in it, and the nodes one reveal below it. */
export function traceCommitment(trace: CommittedTrace, outputInstructions: readonly number[]): DefenceMove {
  const { tree } = trace;
  const inOrder = [...new Set(outputInstructions)].sort((a, b) => a - b);
  const top: Place = traceTop(trace.count);
  return {
    kind: "commitTrace",
    traceRoot: toHex(trace.root),
    outputRoots: outputInstructions.map((instruction) => toHex(trace.tensorRoot(instruction))),
    outputProof: tree.multiproof(inOrder).map(toHex),
    children: childPlaces("trace", top).map((place) => toHex(tree.node(place.height, place.position))),
  };
}

function treeOf(view: GameView, trace: CommittedTrace) {
  const phase: WalkPhase = view.phase === "tensor" ? "tensor" : "trace";
  return { phase, tree: trace.at(phase === "tensor" ? view.instruction : null) };
}

/** INVARIANT: a reveal names the node it opens, and it is the node of this trace. */
function requireOwnNode(view: GameView, own: Uint8Array): Hex {
  const node = toHex(own);
  if (node !== view.node) {
    throw new FatalError(
      "TRACE_MISMATCH",
      `The game disputes node ${view.node} at height ${view.height}, position ${view.position}; this run has ${node} there.`,
    );
  }
  return node;
}
