import type { GameSeen } from "../store/store.ts";

/** The body of /v1/games: amounts and ids as decimal text, since they are wider than a JSON number. */
export function gamesJson(games: readonly GameSeen[]) {
  return {
    games: games.map(({ gameId, assertionId, outcome, paidWei }) => ({
      gameId: String(gameId),
      assertionId: String(assertionId),
      outcome: outcome ?? "live",
      paidWei: paidWei === undefined ? null : String(paidWei),
    })),
  };
}
