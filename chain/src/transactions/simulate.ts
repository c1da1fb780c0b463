import type { Address, BlockTag, Hex } from "viem";
import type { ContractCall } from "../calls/call.ts";
import { toContractError } from "../errors/contract-revert.ts";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";

/**
 * Runs a call without sending it and returns its return data: by default on top of what is pending and at the next block's time, as it will be
 * when mined.
 *
 * @throws ContractRevertError when the contract refuses it; FatalError RPC_UNREACHABLE
 */
export async function simulateCall(
  chain: Chain,
  from: Address,
  call: ContractCall,
  at: { readonly blockNumber: bigint } | { readonly blockTag: BlockTag } = { blockTag: "pending" },
): Promise<Hex> {
  const { to, data, valueWei } = call;
  try {
    const result = await retryRpc(
      () => chain.client.call({ account: from, to, data, value: valueWei, ...at }),
      chain.retry,
    );
    return result.data ?? "0x";
  } catch (error) {
    throw toContractError(call.what, error);
  }
}

/**
 * Gas limit for a call: the estimate and a quarter, since state may move before it is mined.
 *
 * @throws ContractRevertError; FatalError RPC_UNREACHABLE
 */
export async function gasLimitOf(chain: Chain, from: Address, call: ContractCall): Promise<bigint> {
  const { to, data, valueWei } = call;
  try {
    const estimate = () =>
      chain.client.estimateGas({ account: from, to, data, value: valueWei, blockTag: "pending" });
    return ((await retryRpc(estimate, chain.retry)) * 5n) / 4n;
  } catch (error) {
    throw toContractError(call.what, error);
  }
}
