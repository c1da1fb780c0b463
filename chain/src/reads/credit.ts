import { disputeGameAbi, suretyOracleAbi } from "@surety/protocol";
import type { Address } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

/** What the oracle holds for an account: fees earned, excess, refunds. */
export function feeCreditWei(chain: Chain, at: SuretyAddresses, account: Address): Promise<bigint> {
  return read(chain, "oracle", at.oracle, suretyOracleAbi, "creditOf", [account]);
}

/** What the dispute game holds for an account: bonds back and winnings. */
export function gameCreditWei(chain: Chain, at: SuretyAddresses, account: Address): Promise<bigint> {
  return read(chain, "game", at.game, disputeGameAbi, "creditOf", [account]);
}
