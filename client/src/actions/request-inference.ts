import {
  type Delivery,
  decodeLogs,
  findLog,
  quoteWei,
  requestInference as requestCall,
  type SuretyAddresses,
} from "@surety/chain";
import { FatalError, type ModelId, parseRequestId, type RequestId } from "@surety/protocol";
import type { Account, Chain, Client, Hash, Transport } from "viem";
import { getBlock, sendTransaction, waitForTransactionReceipt } from "viem/actions";
import { asChain } from "../as-chain.ts";

export interface RequestInferenceParameters {
  readonly modelId: ModelId;
  /** All input tensors in the model's order, one after the other: little-endian, row-major. */
  readonly input: Uint8Array;
  /** Gas of the callback that the sender, if it is a contract, gets. Default: 0. */
  readonly callbackGas?: number;
  /** Default: `pull`; an account that is no contract has no callback. */
  readonly delivery?: Delivery;
  /** What a wrong answer could cost whoever relies on it: sets the poster's bond and the challenge window, within the oracle's bounds. Default: 0. */
  readonly valueAtRiskWei?: bigint;
  /** From now until an unanswered request may be refunded. Default: 3,600. */
  readonly deadlineSeconds?: number;
  /** Native currency sent along; what is above the quote is credited back. Default: the quote. */
  readonly feeWei?: bigint;
}

export interface RequestedInference {
  readonly requestId: RequestId;
  readonly transactionHash: Hash;
  /** What was sent along. */
  readonly feeWei: bigint;
}

const DEADLINE_SECONDS = 3_600;

/**
 * Asks for a model's output and waits until the request is in a block.
 *
 * @example
 * const { requestId } = await requestInference(client, addresses, { modelId, input });
 *
 * @throws viem's errors for what the contract refuses; FatalError REQUEST_LOST
 */
export async function requestInference(
  client: Client<Transport, Chain | undefined, Account>,
  addresses: SuretyAddresses,
  parameters: RequestInferenceParameters,
): Promise<RequestedInference> {
  const { modelId, input, deadlineSeconds = DEADLINE_SECONDS } = parameters;
  const { callbackGas = 0, delivery = "pull", valueAtRiskWei = 0n } = parameters;
  const terms = { callbackGas, delivery, valueAtRiskWei };
  const feeWei = parameters.feeWei ?? (await quoteWei(await asChain(client), addresses, modelId, terms));
  const { timestamp } = await getBlock(client);
  const deadline = Number(timestamp) + deadlineSeconds;
  const { to, data, valueWei } = requestCall(addresses, {
    ...{ modelId, input, deadline, feeWei },
    ...terms,
  });
  const hash = await sendTransaction(client, {
    account: client.account,
    chain: client.chain ?? null,
    to,
    data,
    value: valueWei,
  });
  const { logs } = await waitForTransactionReceipt(client, { hash });
  const requested = findLog(decodeLogs(addresses, logs), "oracle", "Requested");
  if (requested === undefined) {
    throw new FatalError(
      "REQUEST_LOST",
      `Transaction ${hash} left no request: it reverted. Simulate it to see why.`,
    );
  }
  return { requestId: parseRequestId(requested.args.requestId), transactionHash: hash, feeWei };
}
