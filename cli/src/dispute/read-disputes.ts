import {
  assertionOf,
  type Chain,
  type GameRecord,
  gameOf,
  type MoveEntry,
  readGames,
  requestIdOf,
  requestOf,
  type SuretyAddresses,
} from "@surety/chain";
import { type AssertionId, FatalError, parseAssertionId, parseGameId, parsePhase } from "@surety/protocol";

/** A dispute game as the chain tells it. */
export interface DisputeEntry {
  readonly gameId: bigint;
  readonly assertionId: AssertionId;
  readonly requestId: bigint;
  readonly modelId: string;
  readonly poster: string;
  readonly challenger: string;
  /** Of a live game: whose move it waits for, and until when. */
  readonly clock?: {
    readonly phase: string;
    readonly turn: string;
    /** Unix seconds. */
    readonly turnEndsAt: number;
    /** Until then, from the chain's present time; negative where the clock has run out. */
    readonly secondsLeft: number;
    readonly posterSecondsLeft: number;
    readonly challengerSecondsLeft: number;
  };
  /** The element that the chain recomputed; its stored bits. */
  readonly verdict?: {
    readonly instruction: number;
    readonly element: number;
    readonly posted: bigint;
    readonly expected: bigint;
  };
  readonly ended?: { readonly outcome: string; readonly paidWei: bigint; readonly burnedWei: bigint };
  readonly gas: number;
  /** What a party's moves cost, by address; reveals made for another game of the answer included. */
  readonly gasBy: Readonly<Record<string, number>>;
  readonly moves: readonly MoveEntry[];
}

export interface ReadDisputesParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly startBlock?: bigint;
}

/** Every dispute, newest first. */
export async function readDisputes(parameters: ReadDisputesParameters): Promise<DisputeEntry[]> {
  const { games } = await readGames(parameters);
  const now = await nowOf(parameters.chain);
  const entries: DisputeEntry[] = [];
  for (const record of [...games.values()].reverse()) entries.push(await entryOf(parameters, record, now));
  return entries;
}

/**
 * One dispute.
 *
 * @param wanted A game's number, or the beginning of it as hexadecimal, as `list` prints it; or that of an answer, of which the last game is meant.
 * @throws FatalError DISPUTE_UNKNOWN
 */
export async function readDispute(parameters: ReadDisputesParameters, wanted: string): Promise<DisputeEntry> {
  const { games } = await readGames(parameters);
  const found = [...games.values()].findLast(
    ({ gameId, assertionId }) => isNamed(gameId, wanted) || String(assertionId) === wanted,
  );
  if (found !== undefined) return entryOf(parameters, found, await nowOf(parameters.chain));
  throw new FatalError(
    "DISPUTE_UNKNOWN",
    `There is no dispute ${wanted} here: \`surety dispute list\` shows those there are.`,
  );
}

function isNamed(gameId: bigint, wanted: string): boolean {
  const hex = gameHex(gameId);
  return (
    wanted === String(gameId) || (/^0x[0-9a-fA-F]{4,}$/.test(wanted) && hex.startsWith(wanted.toLowerCase()))
  );
}

/** A game's number as hexadecimal: it is a hash. */
export function gameHex(gameId: bigint): string {
  return `0x${gameId.toString(16).padStart(64, "0")}`;
}

async function nowOf(chain: Chain): Promise<number> {
  return Number((await chain.client.getBlock({ blockTag: "pending" })).timestamp);
}

async function entryOf(
  { chain, addresses }: ReadDisputesParameters,
  record: GameRecord,
  now: number,
): Promise<DisputeEntry> {
  const assertionId = parseAssertionId(record.assertionId);
  const requestId = requestIdOf(assertionId);
  const [{ poster }, { modelId }] = await Promise.all([
    assertionOf(chain, addresses, assertionId),
    requestOf(chain, addresses, requestId),
  ]);
  const gasBy: Record<string, number> = {};
  for (const { by, gas } of record.moves) gasBy[by] = (gasBy[by] ?? 0) + gas;
  const { gameId, challenger, moves, verdict, ended } = record;
  const live = ended ? undefined : await gameOf(chain, addresses, parseGameId(gameId));
  return {
    ...{ gameId, assertionId, requestId, modelId, poster, challenger, moves, gasBy },
    ...(live && {
      clock: {
        phase: live.phase,
        turn: live.turn,
        turnEndsAt: live.turnEndsAt,
        secondsLeft: live.turnEndsAt - now,
        posterSecondsLeft: live.posterSecondsLeft,
        challengerSecondsLeft: live.challengerSecondsLeft,
      },
    }),
    ...(verdict && { verdict }),
    ...(ended && { ended: { ...ended, outcome: parsePhase(ended.outcome) } }),
    gas: moves.reduce((sum, { gas }) => sum + gas, 0),
  };
}
