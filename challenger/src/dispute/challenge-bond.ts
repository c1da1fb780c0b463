import { type Chain, retryRpc, type SuretyAddresses } from "@surety/chain";
import { disputeGameAbi } from "@surety/protocol";

/** What opening a game costs and a wrong challenger loses; fixed for a deployment. */
export async function challengeBondWei(chain: Chain, at: SuretyAddresses): Promise<bigint> {
  const call = { address: at.game, abi: disputeGameAbi, functionName: "parameters" } as const;
  const parameters = await retryRpc(() => chain.client.readContract(call), chain.retry);
  return parameters.challengeBondWei;
}
