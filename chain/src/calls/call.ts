import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type EncodeFunctionDataParameters,
  encodeFunctionData,
  type Hex,
} from "viem";

/**
 * A write to a contract as data: what to send, not how. The transaction manager sends it; a test or a simulation can run it on any EVM.
 */
export interface ContractCall {
  /** For logs and errors: contract and function, as in `oracle.post`. */
  readonly what: string;
  readonly to: Address;
  readonly data: Hex;
  readonly valueWei: bigint;
}

type WriteName<A extends Abi> = ContractFunctionName<A, "nonpayable" | "payable">;

/** Encodes a write, typed from its contract's ABI. */
export function contractCall<const A extends Abi, F extends WriteName<A>>(
  contract: string,
  to: Address,
  abi: A,
  functionName: F,
  args: ContractFunctionArgs<A, "nonpayable" | "payable", F>,
  valueWei = 0n,
): ContractCall {
  const data = encodeFunctionData({ abi, functionName, args } as unknown as EncodeFunctionDataParameters<A>);
  return { what: `${contract}.${functionName}`, to, data, valueWei };
}
