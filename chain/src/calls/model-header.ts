import type { ModelHeader, modelRegistryAbi } from "@surety/protocol";
import type { ContractFunctionArgs } from "viem";

/** `ModelHeader` as the ABI has it: `bytes` is a reserved word in Solidity. */
type ModelHeaderArgument = ContractFunctionArgs<typeof modelRegistryAbi, "nonpayable", "register">[0];

export function modelHeaderArgument(header: ModelHeader): ModelHeaderArgument {
  const outputs = header.outputs.map(({ instruction, bytes }) => ({ instruction, bytes_: bytes }));
  return { ...header, outputs };
}
