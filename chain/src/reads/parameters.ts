import { disputeGameAbi, operatorRegistryAbi, suretyOracleAbi } from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

/** docs/protocol.md says what each is for. */
export interface OracleParameters {
  readonly baseFeeWei: bigint;
  readonly callbackGasPriceWei: bigint;
  readonly assertionBondWei: bigint;
  readonly burnBps: number;
  readonly exclusiveSeconds: number;
  readonly challengeWindowSeconds: number;
  readonly reuseFeeBps: number;
  readonly maxAssertionBondWei: bigint;
  readonly maxChallengeWindowSeconds: number;
  readonly bondBps: number;
  readonly missedTurnPenaltyWei: bigint;
}

export interface OperatorParameters {
  readonly minStakeWei: bigint;
  readonly assertionBondWei: bigint;
  readonly maxAssertionBondWei: bigint;
  readonly unbondingSeconds: number;
}

export interface DisputeParameters {
  readonly challengeBondWei: bigint;
  readonly burnBps: number;
  readonly clockSeconds: number;
  readonly extensionSeconds: number;
}

export function oracleParameters(chain: Chain, at: SuretyAddresses): Promise<OracleParameters> {
  return read(chain, "oracle", at.oracle, suretyOracleAbi, "parameters", []);
}

export function operatorParameters(chain: Chain, at: SuretyAddresses): Promise<OperatorParameters> {
  return read(chain, "operators", at.operators, operatorRegistryAbi, "parameters", []);
}

export function disputeParameters(chain: Chain, at: SuretyAddresses): Promise<DisputeParameters> {
  return read(chain, "game", at.game, disputeGameAbi, "parameters", []);
}
