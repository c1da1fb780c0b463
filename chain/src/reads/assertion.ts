import { type AssertionId, type Hash32, parseHash32, suretyOracleAbi } from "@surety/protocol";
import type { Address } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

export interface AssertionView {
  /** Zero when there is no such assertion. */
  readonly poster: Address;
  /** Unix seconds. */
  readonly postedAt: number;
  readonly postedBlock: number;
  /** Unix seconds at which the window closes. */
  readonly windowEndsAt: number;
  readonly outputRoot: Hash32;
  readonly openGames: number;
  readonly refuted: boolean;
  readonly finalised: boolean;
}

export async function assertionOf(
  chain: Chain,
  at: SuretyAddresses,
  assertionId: AssertionId,
): Promise<AssertionView> {
  const view = await read(chain, "oracle", at.oracle, suretyOracleAbi, "assertionOf", [assertionId]);
  return { ...view, outputRoot: parseHash32(view.outputRoot) };
}

export { assertionIdOf, requestIdOf } from "@surety/protocol";
