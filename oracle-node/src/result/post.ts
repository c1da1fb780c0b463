import {
  type Chain,
  isRevert,
  postOutput,
  requestOf,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import { parseRequestId, RetryableError } from "@surety/protocol";
import { decideServing } from "../request/decide.ts";
import type { Store } from "../store/store.ts";

/** From the inference stage: an answer to post. The answer itself is in the store. */
export interface PostJob {
  readonly requestId: string;
  readonly attempt: number;
}

export interface PostContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly transactions: TransactionManager;
  readonly store: Store;
  readonly nowSeconds: () => number;
}

/**
 * Posts the recorded answer to a request, unless the request moved on meanwhile.
 *
 * @returns True when this call posted it.
 * @throws RetryableError STAKE_LOCKED and the transaction manager's errors
 */
export async function postAnswer(context: PostContext, job: PostJob): Promise<boolean> {
  const { chain, addresses, transactions, store, nowSeconds } = context;
  const requestId = parseRequestId(job.requestId);
  const request = store.requestOf(requestId);
  const answer = request === undefined ? undefined : store.answerTo(request);
  if (answer === undefined) return false;
  const view = await requestOf(chain, addresses, requestId);
  if (view.attempt !== job.attempt) return false;
  if (decideServing(view, transactions.address, nowSeconds()) !== "serve") return false;
  try {
    await transactions.send(postOutput(addresses, { requestId, ...answer }));
    return true;
  } catch (error) {
    // Someone was faster, the deadline passed on the way, or a reorg gave the number to another question: the next look sees it.
    if (
      isRevert(error, "WrongStatus", "NotYourTurn", "DeadlinePassed", "UnknownRequest", "QuestionMismatch")
    ) {
      return false;
    }
    if (isRevert(error, "StakeTooLow")) {
      throw new RetryableError(
        "STAKE_LOCKED",
        "Other open answers hold all of the stake. Deposit more to answer more.",
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}
