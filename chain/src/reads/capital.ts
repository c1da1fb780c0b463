import { type AssertionId, disputeGameAbi, type ModelHeader } from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import { modelHeaderArgument } from "../calls/model-header.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

/** What one side may need for one game: the bond, and `gas` times the price of gas. */
export interface Capital {
  readonly bondWei: bigint;
  /** Moves at most. */
  readonly moves: bigint;
  /** Of the dearest move. */
  readonly gasPerMove: bigint;
  /** Of all moves. */
  readonly gas: bigint;
}

export interface MaxCapital {
  /** Opening included. */
  readonly challenger: Capital;
  /** The commitment included. */
  readonly poster: Capital;
  /** From `open` to the end of the game, whatever the sides do. */
  readonly secondsAtMost: bigint;
}

/**
 * The worst case of a game on an assertion, before its first move.
 *
 * @param header Of the assertion's model.
 * @param largestTensorBytes Of all tensors of the program; 0: not known.
 */
export async function maxCapitalOf(
  chain: Chain,
  at: SuretyAddresses,
  assertionId: AssertionId,
  header: ModelHeader,
  largestTensorBytes: number,
): Promise<MaxCapital> {
  const args = [assertionId, modelHeaderArgument(header), largestTensorBytes] as const;
  const [challenger, poster, secondsAtMost] = await read(
    ...([chain, "game", at.game, disputeGameAbi, "maxCapital", args] as const),
  );
  return { challenger, poster, secondsAtMost };
}
