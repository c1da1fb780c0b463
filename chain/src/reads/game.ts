import {
  type AssertionId,
  disputeGameAbi,
  type GameId,
  type GameView,
  type Hash32,
  parseGameView,
  parseHash32,
} from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

/**
 * A game as the next block will find it: whose turn it is depends on the time, and on an idle chain the latest block's is long past.
 * A game that does not exist has the phase `none`.
 */
export async function gameOf(chain: Chain, at: SuretyAddresses, gameId: GameId): Promise<GameView> {
  return parseGameView(await read(chain, "game", at.game, disputeGameAbi, "gameOf", [gameId], "pending"));
}

/** The trace root a poster committed for its assertion; zero until then. */
export async function traceRootOf(
  chain: Chain,
  at: SuretyAddresses,
  assertionId: AssertionId,
): Promise<Hash32> {
  return parseHash32(await read(chain, "game", at.game, disputeGameAbi, "traceRootOf", [assertionId]));
}

/** Upper bound of the seconds from `open` to the end of a game. */
export function maxGameSeconds(chain: Chain, at: SuretyAddresses): Promise<bigint> {
  return read(chain, "game", at.game, disputeGameAbi, "maxGameSeconds", []);
}
