import { FatalError } from "../errors.ts";
import { type AssertionId, type Hash32, parseAssertionId, parseHash32 } from "../ids.ts";

/** `IDisputeGame.Phase`, in the order of its numbers. */
export const PHASES = ["none", "commit", "trace", "tensor", "challenger-won", "poster-won", "void"] as const;
export type Phase = (typeof PHASES)[number];

/** `IDisputeGame.Turn`, in the order of its numbers. */
export const TURNS = ["nobody", "poster", "challenger", "poster-timed-out", "challenger-timed-out"] as const;
export type Turn = (typeof TURNS)[number];

/** A dispute game as the contract shows it at one block. */
export interface GameView {
  readonly assertionId: AssertionId;
  readonly challenger: `0x${string}`;
  readonly phase: Phase;
  /** Whose move the game waits for. */
  readonly turn: Turn;
  /** Unix seconds at which the side to move runs out of time. */
  readonly turnEndsAt: number;
  readonly posterSecondsLeft: number;
  readonly challengerSecondsLeft: number;
  /** The node in dispute and where it stands in the tree of its phase. */
  readonly node: Hash32;
  readonly height: number;
  readonly position: number;
  /** From here only in phase `tensor`: the instruction whose tensor is walked. */
  readonly instruction: number;
  readonly instructionHash: Hash32;
  readonly tensorBytes: number;
  readonly elementBytes: number;
  readonly bondWei: bigint;
}

/** What the contract's `gameOf` returns, decoded by viem. */
export interface GameViewOnChain {
  readonly assertionId: bigint;
  readonly challenger: `0x${string}`;
  readonly phase: number;
  readonly turn: number;
  readonly turnEndsAt: number;
  readonly posterSecondsLeft: number;
  readonly challengerSecondsLeft: number;
  readonly node: `0x${string}`;
  readonly height: number;
  readonly position: number;
  readonly instruction: number;
  readonly instructionHash: `0x${string}`;
  readonly tensorBytes: number;
  readonly elementBytes: number;
  readonly bondWei: bigint;
}

function named<const Names extends readonly string[]>(
  names: Names,
  number: number,
  what: string,
): Names[number] {
  const name = names[number];
  if (name === undefined) {
    throw new FatalError(
      "GAME_VIEW_UNKNOWN",
      `The contract reports ${what} ${number}, which this version does not know. Update Surety.`,
    );
  }
  return name;
}

/** @throws FatalError GAME_VIEW_UNKNOWN */
export function parsePhase(number: number): Phase {
  return named(PHASES, number, "phase");
}

/** @throws FatalError GAME_VIEW_UNKNOWN */
export function parseTurn(number: number): Turn {
  return named(TURNS, number, "turn");
}

/**
 * Names the enums of what `gameOf` returned and brands its ids.
 *
 * @throws FatalError GAME_VIEW_UNKNOWN, ID_MALFORMED
 */
export function parseGameView(view: GameViewOnChain): GameView {
  return {
    ...view,
    assertionId: parseAssertionId(view.assertionId),
    phase: parsePhase(view.phase),
    turn: parseTurn(view.turn),
    node: parseHash32(view.node),
    instructionHash: parseHash32(view.instructionHash),
  };
}

/** Whether a phase is one a game cannot leave any more. */
export function isOver(phase: Phase): boolean {
  return phase === "challenger-won" || phase === "poster-won" || phase === "void";
}
