import type { ContractCall, SuretyAddresses } from "@surety/chain";
import { FatalError, type RequestId } from "@surety/protocol";
import type { Account, Chain, Client, Hash, Transport } from "viem";
import { sendTransaction, waitForTransactionReceipt } from "viem/actions";
import { requestIdsIn } from "./request-ids.ts";

/**
 * Sends a request of any kind and waits until it is in a block.
 *
 * @throws viem's errors for what the contract refuses; FatalError REQUEST_LOST
 */
export async function sendRequest(
  client: Client<Transport, Chain | undefined, Account>,
  addresses: SuretyAddresses,
  { to, data, valueWei }: ContractCall,
): Promise<{ readonly requestId: RequestId; readonly transactionHash: Hash }> {
  const hash = await sendTransaction(client, {
    account: client.account,
    chain: client.chain ?? null,
    to,
    data,
    value: valueWei,
  });
  const { logs } = await waitForTransactionReceipt(client, { hash });
  const [requestId] = requestIdsIn(addresses, logs);
  if (requestId === undefined) {
    throw new FatalError(
      "REQUEST_LOST",
      `Transaction ${hash} left no request: it reverted. Simulate it to see why.`,
    );
  }
  return { requestId, transactionHash: hash };
}
