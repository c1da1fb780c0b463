import { type ModelId, operatorRegistryAbi } from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import { type ContractCall, contractCall } from "./call.ts";

export function depositStake(at: SuretyAddresses, amountWei: bigint): ContractCall {
  return contractCall("operators", at.operators, operatorRegistryAbi, "deposit", [], amountWei);
}

export function joinModel(at: SuretyAddresses, modelId: ModelId): ContractCall {
  return contractCall("operators", at.operators, operatorRegistryAbi, "joinModel", [modelId]);
}

export function leaveModel(at: SuretyAddresses, modelId: ModelId): ContractCall {
  return contractCall("operators", at.operators, operatorRegistryAbi, "leaveModel", [modelId]);
}

export function beginUnbonding(at: SuretyAddresses, amountWei: bigint): ContractCall {
  return contractCall("operators", at.operators, operatorRegistryAbi, "beginUnbonding", [amountWei]);
}

export function withdrawStake(at: SuretyAddresses): ContractCall {
  return contractCall("operators", at.operators, operatorRegistryAbi, "withdraw", []);
}
