import { type ModelId, operatorRegistryAbi } from "@surety/protocol";
import type { Address } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

export interface OperatorView {
  readonly stakeWei: bigint;
  /** Part of the stake that open assertions hold. */
  readonly lockedWei: bigint;
  readonly unbondingWei: bigint;
  /** Unix seconds. */
  readonly unbondsAt: number;
  readonly jailed: boolean;
}

export function operatorOf(chain: Chain, at: SuretyAddresses, operator: Address): Promise<OperatorView> {
  return read(chain, "operators", at.operators, operatorRegistryAbi, "operatorOf", [operator]);
}

export function freeStakeWei(chain: Chain, at: SuretyAddresses, operator: Address): Promise<bigint> {
  return read(chain, "operators", at.operators, operatorRegistryAbi, "freeStakeWei", [operator]);
}

export function serves(
  chain: Chain,
  at: SuretyAddresses,
  operator: Address,
  modelId: ModelId,
): Promise<boolean> {
  return read(chain, "operators", at.operators, operatorRegistryAbi, "serves", [operator, modelId]);
}

/** Operators in a model's set. */
export function servingCount(chain: Chain, at: SuretyAddresses, modelId: ModelId): Promise<bigint> {
  return read(chain, "operators", at.operators, operatorRegistryAbi, "servingCount", [modelId]);
}
