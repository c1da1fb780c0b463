import {
  type ContractCall,
  claimTimeout,
  commitTrace,
  reveal,
  revealBytes,
  type SuretyAddresses,
} from "@surety/chain";
import { type AssertionId, assertNever, type GameId, type ModelHeader } from "@surety/protocol";
import type { DefenceMove } from "./poster.ts";

/** The transaction that makes a poster's move; none for waiting. */
export function defenceCall(
  at: SuretyAddresses,
  assertionId: AssertionId,
  gameId: GameId,
  header: ModelHeader,
  move: DefenceMove,
): ContractCall | undefined {
  switch (move.kind) {
    case "wait":
      return undefined;
    case "commitTrace":
      return commitTrace(at, { ...move, assertionId, header });
    case "reveal":
      return reveal(at, gameId, move.node, move.children);
    case "revealBytes":
      return revealBytes(at, gameId, move.node, move.data);
    case "claimTimeout":
      return claimTimeout(at, gameId);
    default:
      return assertNever(move);
  }
}
