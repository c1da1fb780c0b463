import {
  assertionOf,
  type Chain,
  finaliseRequest,
  isRevert,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import type { AssertionId, RequestId } from "@surety/protocol";
import type { Store } from "../store/store.ts";

export interface FinaliseContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly transactions: TransactionManager;
  readonly store: Store;
}

/**
 * Makes an own assertion final once its window is over and no game is open.
 *
 * @returns True when this call did it.
 */
export async function finaliseAssertion(
  { chain, addresses, transactions, store }: FinaliseContext,
  { assertionId, requestId }: { readonly assertionId: AssertionId; readonly requestId: RequestId },
  nowSeconds: number,
): Promise<boolean> {
  const request = store.requestOf(requestId);
  const answer = request === undefined ? undefined : store.answerTo(request);
  if (answer === undefined) return false;
  const view = await assertionOf(chain, addresses, assertionId);
  if (view.finalised || view.refuted || view.openGames > 0 || nowSeconds < view.windowEndsAt) return false;
  try {
    await transactions.send(finaliseRequest(addresses, requestId, answer.output));
    return true;
  } catch (error) {
    // A game was opened, the chain's clock is behind, or someone else was faster: the next block tells.
    if (isRevert(error, "WindowOpen", "GamesOpen", "WrongStatus")) return false;
    throw error;
  }
}
