import { modelRegistryAbi } from "@surety/protocol";
import type { SuretyAddresses } from "../addresses.ts";
import type { ModelHeader } from "../reads/model-header.ts";
import { type ContractCall, contractCall } from "./call.ts";

export function registerModel(at: SuretyAddresses, header: ModelHeader, uri: string): ContractCall {
  return contractCall("registry", at.registry, modelRegistryAbi, "register", [header, uri]);
}
