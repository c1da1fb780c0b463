import { gameCreditWei, withdrawWinnings } from "@surety/chain";
import type { DisputeContext } from "../dispute/context.ts";

/** Takes bonds and rewards out of the game's ledger. @returns What was withdrawn, in wei. */
export async function settleCredit({
  chain,
  addresses,
  account,
  send,
}: Pick<DisputeContext, "chain" | "addresses" | "account" | "send">): Promise<bigint> {
  const creditWei = await gameCreditWei(chain, addresses, account);
  if (creditWei === 0n) return 0n;
  await send(withdrawWinnings(addresses));
  return creditWei;
}
