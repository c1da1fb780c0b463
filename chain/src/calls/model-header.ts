import type { ModelHeader, modelRegistryAbi } from "@surety/protocol";
import type { ContractFunctionArgs } from "viem";

/** `ModelHeader` as the ABI has it: `bytes` is a reserved word in Solidity. */
export type ModelHeaderArgument = ContractFunctionArgs<typeof modelRegistryAbi, "nonpayable", "register">[0];

/** A header of the protocol's or already in the ABI's form, in the ABI's form. */
export function modelHeaderArgument(header: ModelHeader | ModelHeaderArgument): ModelHeaderArgument {
  const outputs = header.outputs.map((output) =>
    "bytes_" in output ? output : { instruction: output.instruction, bytes_: output.bytes },
  );
  return { ...header, outputs };
}
