import { attentionCreditWei, gameCreditWei, withdrawAttention, withdrawWinnings } from "@surety/chain";
import type { DisputeContext } from "../dispute/context.ts";

/** Takes bonds and rewards out of the ledgers of the game and of the attention tests. @returns What was withdrawn, in wei. */
export async function settleCredit({
  chain,
  addresses,
  account,
  send,
}: Pick<DisputeContext, "chain" | "addresses" | "account" | "send">): Promise<bigint> {
  const creditWei = await gameCreditWei(chain, addresses, account);
  if (creditWei > 0n) await send(withdrawWinnings(addresses));
  if (addresses.attention === undefined) return creditWei;
  const earnedWei = await attentionCreditWei(chain, addresses, account);
  if (earnedWei > 0n) await send(withdrawAttention(addresses));
  return creditWei + earnedWei;
}
