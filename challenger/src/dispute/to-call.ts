import {
  type ContractCall,
  claimTimeout,
  closeVoid,
  type SuretyAddresses,
  selectNode,
  selectTensor,
  stepGame,
} from "@surety/chain";
import { assertNever, type GameId, type ModelHeader } from "@surety/protocol";
import type { ChallengerMove } from "./move.ts";

/** The transaction that makes a move; none for waiting. */
export function toCall(
  at: SuretyAddresses,
  gameId: GameId,
  header: ModelHeader,
  move: ChallengerMove,
): ContractCall | undefined {
  switch (move.kind) {
    case "wait":
      return undefined;
    case "select":
      return selectNode(at, { ...move, gameId });
    case "selectTensor":
      return selectTensor(at, { ...move, gameId, header });
    case "step":
      return stepGame(at, { ...move, gameId, header });
    case "claimTimeout":
      return claimTimeout(at, gameId);
    case "closeVoid":
      return closeVoid(at, gameId);
    default:
      return assertNever(move);
  }
}
