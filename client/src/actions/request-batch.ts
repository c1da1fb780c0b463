import { quoteBatchWei, requestBatch as requestCall, type SuretyAddresses } from "@surety/chain";
import type { Account, Chain, Client, Transport } from "viem";
import { getBlock } from "viem/actions";
import { asChain } from "../as-chain.ts";
import { sendRequest } from "../send-request.ts";
import {
  DEADLINE_SECONDS,
  type RequestedInference,
  type RequestInferenceParameters,
} from "./request-inference.ts";

export interface RequestBatchParameters extends Omit<RequestInferenceParameters, "input" | "feeToken"> {
  /** 2 to 64 inputs, each all input tensors in the model's order, one after the other. */
  readonly inputs: readonly Uint8Array[];
}

/**
 * Asks for the model's outputs for many inputs at once, and waits until the request is in a block. `waitForResult` gives all outputs, one after the other;
 * `proveItem` one of them with its proof for `isItem`.
 *
 * @example
 * const { requestId } = await requestBatch(client, addresses, { modelId, inputs });
 *
 * @throws viem's errors for what the contract refuses; FatalError REQUEST_LOST
 */
export async function requestBatch(
  client: Client<Transport, Chain | undefined, Account>,
  addresses: SuretyAddresses,
  parameters: RequestBatchParameters,
): Promise<RequestedInference> {
  const { modelId, inputs, deadlineSeconds = DEADLINE_SECONDS } = parameters;
  const { callbackGas = 0, delivery = "pull", valueAtRiskWei = 0n } = parameters;
  const terms = { callbackGas, delivery, valueAtRiskWei };
  const itemCount = inputs.length;
  const feeWei =
    parameters.feeWei ?? (await quoteBatchWei(await asChain(client), addresses, modelId, itemCount, terms));
  const { timestamp } = await getBlock(client);
  const deadline = Number(timestamp) + deadlineSeconds;
  const call = requestCall(addresses, {
    ...{ modelId, input: Buffer.concat(inputs), itemCount, deadline, feeWei },
    ...terms,
  });
  return { ...(await sendRequest(client, addresses, call)), feeWei, tokenFee: 0n };
}
