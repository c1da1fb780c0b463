import type { Abi, Address, ContractFunctionArgs, ContractFunctionName, ReadContractReturnType } from "viem";
import { toContractError } from "../errors/contract-revert.ts";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";

type ReadName<A extends Abi> = ContractFunctionName<A, "view" | "pure">;

/**
 * Calls a view function, by default at the latest block.
 *
 * @throws ContractRevertError; FatalError RPC_UNREACHABLE
 */
export async function read<
  const A extends Abi,
  F extends ReadName<A>,
  const Args extends ContractFunctionArgs<A, "view" | "pure", F>,
>(
  chain: Chain,
  contract: string,
  address: Address,
  abi: A,
  functionName: F,
  args: Args,
  blockTag: "latest" | "pending" = "latest",
): Promise<ReadContractReturnType<A, F, Args>> {
  try {
    // biome-ignore lint/suspicious/noExplicitAny: viem's parameters do not infer through a generic function name; ours are typed above.
    const parameters = { address, abi, functionName, args, blockTag } as any;
    const value = await retryRpc(() => chain.client.readContract(parameters), chain.retry);
    return value as ReadContractReturnType<A, F, Args>;
  } catch (error) {
    throw toContractError(`${contract}.${functionName}`, error);
  }
}
