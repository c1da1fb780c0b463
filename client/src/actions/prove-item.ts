import { outputBytesOf, requestOf, type SuretyAddresses } from "@surety/chain";
import { FatalError, itemBytes, type RequestId } from "@surety/protocol";
import type { Client } from "viem";
import { asChain } from "../as-chain.ts";
import { type ItemProof, itemProof } from "../item-proof.ts";

export interface ProveItemParameters {
  readonly requestId: RequestId;
  /** Counted from 0. */
  readonly item: number;
  /** The batch's output, as `waitForResult` gives it. */
  readonly output: Uint8Array;
}

export interface ProvenItem extends ItemProof {
  /** The item's own output. */
  readonly output: Uint8Array;
}

/**
 * One item of a batch's output with the path that `isItem(requestId, item, output, proof)` takes.
 *
 * @throws FatalError ITEM_UNKNOWN when the request has no such item
 */
export async function proveItem(
  client: Client,
  addresses: SuretyAddresses,
  { requestId, item, output }: ProveItemParameters,
): Promise<ProvenItem> {
  const chain = await asChain(client);
  const { itemCount, modelId } = await requestOf(chain, addresses, requestId);
  if (!Number.isInteger(item) || item < 0 || item >= itemCount) {
    throw new FatalError(
      "ITEM_UNKNOWN",
      `Request ${requestId} has ${itemCount} items, counted from 0; there is no item ${item}.`,
    );
  }
  const sizes = await outputBytesOf(chain, addresses, modelId);
  return { ...itemProof(sizes, output, itemCount, item), output: itemBytes(output, itemCount, item) };
}
