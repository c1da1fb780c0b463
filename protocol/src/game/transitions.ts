import { assertNever } from "../errors.ts";
import type { GameView, Phase, Turn } from "./game-view.ts";
import { revealLevels } from "./heights.ts";

/** The moves of a game, by their function's name in the contract. */
export type MoveKind =
  | "commitTrace"
  | "reveal"
  | "revealBytes"
  | "select"
  | "selectTensor"
  | "step"
  | "claimTimeout"
  | "closeVoid";

export type Side = "poster" | "challenger" | "anyone";

/** The one move a game waits for. */
export interface NextMove {
  readonly by: Side;
  readonly kind: MoveKind;
}

/** Where in its tree a walk stands; decides which move leads on. */
export type Stage =
  /** The nodes below are shown and picked one by one. */
  | "nodes"
  /** The nodes below are shown, and each is one tensor. */
  | "tensors"
  /** The bytes below are shown. */
  | "bytes";

/** Stage of a node at `height`. */
export function stageOf(phase: "trace" | "tensor", height: number): Stage {
  const levels = revealLevels(phase, height);
  if (phase === "trace") return height - levels > 0 ? "nodes" : "tensors";
  return levels > 0 ? "nodes" : "bytes";
}

/**
 * Phase x stage x whether the node in dispute is revealed -> the move. A trace's single tensor (height 0) has no nodes below: it counts as
 * revealed. Whoever is not named must wait; when its clock has run out the only move is `claimTimeout`, by anyone.
 */
export const TRANSITIONS = {
  trace: {
    nodes: { hidden: ["poster", "reveal"], revealed: ["challenger", "select"] },
    tensors: { hidden: ["poster", "reveal"], revealed: ["challenger", "selectTensor"] },
  },
  tensor: {
    nodes: { hidden: ["poster", "reveal"], revealed: ["challenger", "select"] },
    bytes: { hidden: ["poster", "revealBytes"], revealed: ["challenger", "step"] },
  },
} as const satisfies Record<
  "trace" | "tensor",
  Partial<Record<Stage, Record<"hidden" | "revealed", [Side, MoveKind]>>>
>;

function walkMove(phase: "trace" | "tensor", height: number, revealed: boolean): NextMove {
  const rows: Partial<Record<Stage, Record<"hidden" | "revealed", readonly [Side, MoveKind]>>> =
    TRANSITIONS[phase];
  const row = rows[stageOf(phase, height)];
  if (row === undefined) throw new Error(`No transition for ${phase} at height ${height}.`);
  const [by, kind] = row[revealed || (phase === "trace" && height === 0) ? "revealed" : "hidden"];
  return { by, kind };
}

/** What {@link nextMove} needs of a game. */
export interface MoveState {
  readonly phase: Phase;
  readonly height: number;
  readonly turn: Turn;
}

/**
 * The one move that a game waits for, from its view alone: after `commitTrace` the turn is the challenger's exactly when the node in dispute is revealed.
 * `undefined` when nothing is left to do (no such game, or it is won).
 *
 * @example
 * nextMove(view) // { by: "challenger", kind: "select" }
 */
export function nextMove(view: MoveState | GameView): NextMove | undefined {
  switch (view.phase) {
    case "none":
    case "challenger-won":
    case "poster-won":
      return undefined;
    case "void":
      return { by: "anyone", kind: "closeVoid" };
    case "commit":
    case "trace":
    case "tensor":
      break;
    default:
      return assertNever(view.phase);
  }
  if (view.turn === "poster-timed-out" || view.turn === "challenger-timed-out") {
    return { by: "anyone", kind: "claimTimeout" };
  }
  if (view.phase === "commit") return { by: "poster", kind: "commitTrace" };
  return walkMove(view.phase, view.height, view.turn === "challenger");
}

/**
 * Moves of both sides that a game on one tensor takes at most, `open`, `commitTrace` and `step` included: what a challenger must be able to
 * pay for before it opens a game.
 */
export function longestWalk(
  traceHeight: number,
  tensorHeight: number,
): { readonly poster: number; readonly challenger: number } {
  let poster = 1;
  let challenger = 1;
  let height = traceHeight;
  let revealed = true;
  for (const phase of ["trace", "tensor"] as const) {
    for (let done = false; !done; ) {
      const move = walkMove(phase, height, revealed);
      if (move.by === "poster") {
        poster += 1;
        revealed = true;
        continue;
      }
      challenger += 1;
      revealed = false;
      height -= revealLevels(phase, height);
      done = move.kind === "selectTensor" || move.kind === "step";
    }
    height = tensorHeight;
  }
  return { poster, challenger };
}
