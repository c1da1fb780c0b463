import {
  assigneeOf,
  type Chain,
  isRevert,
  postByReference,
  postOutput,
  requestOf,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import { joinedRoot } from "@surety/engine";
import { givesOutputsByReference, parseRequestId, RetryableError } from "@surety/protocol";
import type { ServedModels } from "../inference/models.ts";
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
  readonly models: ServedModels;
  readonly nowSeconds: () => number;
}

/**
 * Posts the recorded answer to a request, unless the request moved on meanwhile.
 *
 * @returns True when this call posted it.
 * @throws RetryableError STAKE_LOCKED and the transaction manager's errors
 */
export async function postAnswer(context: PostContext, job: PostJob): Promise<boolean> {
  const { chain, addresses, transactions, store, models, nowSeconds } = context;
  const requestId = parseRequestId(job.requestId);
  const request = store.requestOf(requestId);
  const answer = request === undefined ? undefined : store.answerTo(request);
  const model = request === undefined ? undefined : models.find(request.modelId);
  if (answer === undefined || model === undefined) return false;
  const view = await requestOf(chain, addresses, requestId);
  if (view.attempt !== job.attempt) return false;
  const assignee = await assigneeOf(chain, addresses, requestId);
  if (decideServing(view, assignee, transactions.address, nowSeconds()) !== "serve") return false;
  try {
    const { header } = model;
    const { question, output } = answer;
    const sizes = header.outputs.map(({ bytes }) => bytes);
    const call = givesOutputsByReference(header)
      ? postByReference(addresses, { requestId, question, outputRoot: joinedRoot(sizes, output) })
      : postOutput(addresses, { requestId, question, output });
    await transactions.send(call);
    return true;
  } catch (error) {
    // Someone was faster, the deadline passed on the way, or a reorg gave the number to another question: the next look sees it.
    if (
      isRevert(
        error,
        "WrongStatus",
        "NotYourTurn",
        "AssigneeUnknown",
        "DeadlinePassed",
        "UnknownRequest",
        "QuestionMismatch",
      )
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
