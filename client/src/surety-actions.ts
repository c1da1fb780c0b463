import { type RequestView, requestOf, type SuretyAddresses } from "@surety/chain";
import type { RequestId } from "@surety/protocol";
import type { Account, Chain, Client, Transport } from "viem";
import { type ProveItemParameters, type ProvenItem, proveItem } from "./actions/prove-item.ts";
import { type RequestBatchParameters, requestBatch } from "./actions/request-batch.ts";
import {
  type RequestedInference,
  type RequestInferenceParameters,
  requestInference,
} from "./actions/request-inference.ts";
import { type PostedAnswer, type WaitForResultParameters, waitForResult } from "./actions/wait-for-result.ts";
import { type WatchDisputesParameters, watchDisputes } from "./actions/watch-disputes.ts";
import { asChain } from "./as-chain.ts";

/** A type, not an interface: `extend` of viem wants what has no other members. */
export type SuretyActions = {
  requestInference(parameters: RequestInferenceParameters): Promise<RequestedInference>;
  requestBatch(parameters: RequestBatchParameters): Promise<RequestedInference>;
  proveItem(parameters: ProveItemParameters): Promise<ProvenItem>;
  waitForResult(parameters: WaitForResultParameters): Promise<PostedAnswer>;
  watchDisputes(parameters: WatchDisputesParameters): () => void;
  getRequest(parameters: { readonly requestId: RequestId }): Promise<RequestView>;
};

/**
 * Surety's actions for a viem client.
 *
 * @example
 * const client = createWalletClient({ account, chain, transport }).extend(suretyActions(addresses));
 * const { requestId } = await client.requestInference({ modelId, input });
 * const { output } = await client.waitForResult({ requestId });
 */
export function suretyActions(addresses: SuretyAddresses) {
  return (client: Client<Transport, Chain | undefined, Account | undefined>): SuretyActions => ({
    requestInference: (parameters) =>
      requestInference(client as Client<Transport, Chain | undefined, Account>, addresses, parameters),
    requestBatch: (parameters) =>
      requestBatch(client as Client<Transport, Chain | undefined, Account>, addresses, parameters),
    proveItem: (parameters) => proveItem(client, addresses, parameters),
    waitForResult: (parameters) => waitForResult(client, addresses, parameters),
    watchDisputes: (parameters) => watchDisputes(client, addresses, parameters),
    getRequest: async ({ requestId }) => requestOf(await asChain(client), addresses, requestId),
  });
}
