import { type ModelHeader, modelRegistryAbi } from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import { type ContractCall, contractCall } from "./call.ts";
import { modelHeaderArgument } from "./model-header.ts";

export function registerModel(at: SuretyAddresses, header: ModelHeader, uri: string): ContractCall {
  return contractCall("registry", at.registry, modelRegistryAbi, "register", [
    modelHeaderArgument(header),
    uri,
  ]);
}
