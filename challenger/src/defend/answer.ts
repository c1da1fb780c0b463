import { toHex } from "@surety/engine";
import { byteSpan, childPlaces, type GameView, nextMove } from "@surety/protocol";
import type { Hex } from "viem";
import type { OwnRun } from "../dispute/own-run.ts";

/** What anyone may do for a poster: reveal what hangs below the node in dispute. */
export type Reveal =
  | { readonly kind: "reveal"; readonly node: Hex; readonly children: readonly Hex[] }
  | { readonly kind: "revealBytes"; readonly node: Hex; readonly data: Uint8Array };

/**
 * The reveal that a game waits for, out of one's own run of the question.
 *
 * @returns undefined where the poster is not to reveal, or its tree is not one's own: then nobody but it knows what is below.
 */
export function revealFor(view: GameView, own: OwnRun): Reveal | undefined {
  const due = nextMove(view)?.kind;
  if (due !== "reveal" && due !== "revealBytes") return undefined;
  const phase = view.phase === "tensor" ? "tensor" : "trace";
  const tree = phase === "tensor" ? own.trace.tensorTree(view.instruction) : own.trace.tree;
  const node = toHex(tree.node(view.height, view.position));
  if (node !== view.node) return undefined;
  if (due === "revealBytes") {
    const bytes = own.trace.tensorBytes(view.instruction);
    const { first, end } = byteSpan(view, bytes.length);
    return { kind: due, node, data: bytes.slice(first, end) };
  }
  const children = childPlaces(phase, view).map(({ height, position }) => toHex(tree.node(height, position)));
  return { kind: due, node, children };
}
