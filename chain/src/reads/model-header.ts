import type { modelRegistryAbi } from "@surety/protocol";
import type { ContractFunctionArgs } from "viem";

/** `ModelHeader` of the contracts (contracts/src/types/SuretyTypes.sol). */
export type ModelHeader = ContractFunctionArgs<typeof modelRegistryAbi, "nonpayable", "register">[0];
