import { toHex } from "@surety/engine";
import {
  byteSpan,
  childPlaces,
  type GameView,
  nextMove as moveDue,
  parseAssertionId,
  parseHash32,
  revealLevels,
  tensorTop,
  traceTop,
} from "@surety/protocol";
import type { Hex } from "viem";
import type { ChallengerMove } from "../dispute/move.ts";
import type { OwnRun } from "../dispute/own-run.ts";
import type { Revealed } from "../dispute/revealed.ts";
import { nextMove } from "../dispute/strategy.ts";

export interface Walk {
  readonly moves: readonly ChallengerMove[];
  readonly last: ChallengerMove;
  readonly view: GameView;
  readonly traceRoot: Hex;
  readonly revealed: readonly Revealed[];
}

/** Plays a whole game without a chain: a poster that reveals its own tree whenever it is due, against the strategy. */
export function playWalk(own: OwnRun, poster: OwnRun, elementBytes = 1): Walk {
  const moves: ChallengerMove[] = [];
  const revealed: Revealed[] = [];
  const top = traceTop(own.program.length);
  const traceRoot = toHex(poster.trace.root);
  const zero = parseHash32(`0x${"0".repeat(64)}`);
  let view: GameView = {
    assertionId: parseAssertionId(256),
    challenger: "0x00000000000000000000000000000000000000c1",
    phase: "commit",
    turn: "poster",
    turnEndsAt: 0,
    posterSecondsLeft: 60,
    challengerSecondsLeft: 60,
    node: parseHash32(traceRoot),
    ...top,
    instruction: 0,
    instructionHash: zero,
    tensorBytes: 0,
    elementBytes: 0,
    bondWei: 1n,
  };
  for (;;) {
    const due = moveDue(view);
    const phase = view.phase === "tensor" ? "tensor" : "trace";
    const tree = phase === "tensor" ? poster.trace.tensorTree(view.instruction) : poster.trace.tree;
    if (due?.by === "poster") {
      const place = { height: view.height, position: view.position };
      if (due.kind === "revealBytes") {
        const bytes = poster.trace.tensorBytes(view.instruction);
        const { first, end } = byteSpan(place, bytes.length);
        revealed.push({ kind: "bytes", instruction: view.instruction, place, data: bytes.slice(first, end) });
      } else {
        const children = childPlaces(phase, place).map(({ height, position }) =>
          toHex(tree.node(height, position)),
        );
        const instruction = phase === "tensor" ? view.instruction : undefined;
        revealed.push({ kind: "nodes", instruction, place, children });
      }
      view = { ...view, phase: view.phase === "commit" ? "trace" : view.phase, turn: "challenger" };
      continue;
    }
    const move = nextMove({ view, traceRoot, revealed, own });
    moves.push(move);
    if (move.kind === "select") {
      const levels = revealLevels(phase, view.height);
      view = {
        ...view,
        turn: "poster",
        node: parseHash32(move.childHash),
        height: view.height - levels,
        position: view.position * 2 ** levels + move.child,
      };
    } else if (move.kind === "selectTensor") {
      const tensorBytes = poster.trace.tensorBytes(move.index).length;
      view = {
        ...view,
        phase: "tensor",
        turn: "poster",
        node: parseHash32(move.childHash),
        ...tensorTop(tensorBytes),
        instruction: move.index,
        tensorBytes,
        elementBytes,
      };
    } else {
      return { moves, last: move, view, traceRoot, revealed };
    }
  }
}
