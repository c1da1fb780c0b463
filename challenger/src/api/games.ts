import type { GameSeen } from "../store/store.ts";

const text = { type: "string" } as const;
const game = { gameId: text, assertionId: text, outcome: text, paidWei: { ...text, nullable: true } };

/** Of the body of /v1/games. */
export const GAMES_SCHEMA = {
  type: "object",
  properties: { games: { type: "array", items: { type: "object", properties: game } } },
};

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
