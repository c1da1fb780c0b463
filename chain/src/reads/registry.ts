import { type ModelId, modelRegistryAbi } from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

export interface ModelSummary {
  /** Bytes of all inputs together. */
  readonly inputBytes: bigint;
  /** Bytes of all outputs together. */
  readonly outputBytes: bigint;
  readonly inputCount: number;
  readonly outputCount: number;
  readonly registered: boolean;
}

export function modelSummary(chain: Chain, at: SuretyAddresses, modelId: ModelId): Promise<ModelSummary> {
  return read(chain, "registry", at.registry, modelRegistryAbi, "summary", [modelId]);
}

/** Bytes of each input of a model, in order. */
export function inputBytesOf(
  chain: Chain,
  at: SuretyAddresses,
  modelId: ModelId,
): Promise<readonly number[]> {
  return read(chain, "registry", at.registry, modelRegistryAbi, "inputBytesOf", [modelId]);
}

/** Bytes of each output of a model, in order. */
export function outputBytesOf(
  chain: Chain,
  at: SuretyAddresses,
  modelId: ModelId,
): Promise<readonly number[]> {
  return read(chain, "registry", at.registry, modelRegistryAbi, "outputBytesOf", [modelId]);
}
