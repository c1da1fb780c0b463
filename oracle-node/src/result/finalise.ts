import {
  assertionOf,
  type Chain,
  finaliseByReference,
  finaliseRequest,
  isRevert,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import { type AssertionId, givesOutputsByReference, type RequestId } from "@surety/protocol";
import type { ServedModels } from "../inference/models.ts";
import { ownAnswer } from "../inference/own-answer.ts";
import type { DefenceThread } from "../inference/task.ts";
import type { Store } from "../store/store.ts";

export interface FinaliseContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly transactions: TransactionManager;
  readonly store: Store;
  readonly models: ServedModels;
  readonly thread: DefenceThread;
}

/**
 * Makes an own assertion final once its window is over and no game is open.
 *
 * @returns True when this call did it.
 */
export async function finaliseAssertion(
  { chain, addresses, transactions, store, models, thread }: FinaliseContext,
  { assertionId, requestId }: { readonly assertionId: AssertionId; readonly requestId: RequestId },
  nowSeconds: number,
): Promise<boolean> {
  const request = store.requestOf(requestId);
  const model = request === undefined ? undefined : models.find(request.modelId);
  if (request === undefined || model === undefined) return false;
  const view = await assertionOf(chain, addresses, assertionId);
  if (view.finalised || view.refuted || view.openGames > 0 || nowSeconds < view.windowEndsAt) return false;
  try {
    const call = givesOutputsByReference(model.header)
      ? finaliseByReference(addresses, requestId, view.outputRoot)
      : finaliseRequest(addresses, requestId, (await ownAnswer({ store, thread }, request, model)).output);
    await transactions.send(call);
    return true;
  } catch (error) {
    // A game was opened, the chain's clock is behind, or someone else was faster: the next block tells.
    if (isRevert(error, "WindowOpen", "GamesOpen", "WrongStatus")) return false;
    throw error;
  }
}
