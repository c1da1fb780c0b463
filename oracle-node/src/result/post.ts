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
import { givesOutputsByReference, type Hash32, parseRequestId, RetryableError } from "@surety/protocol";
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
  /** Where the bytes of an answer that is posted by reference are to be had. Default: nothing is said. */
  readonly outputUri?: (outputRoot: Hash32) => string;
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
  if (request === undefined) return false;
  const answer = store.answerTo(request);
  const model = models.find(request.modelId);
  if (answer === undefined || model === undefined) return false;
  const view = await requestOf(chain, addresses, requestId);
  if (view.attempt !== job.attempt) return false;
  const assignee = await assigneeOf(chain, addresses, requestId);
  if (decideServing(view, assignee, transactions.address, nowSeconds()) !== "serve") return false;
  try {
    const { header } = model;
    const { question, output } = answer;
    const sizes = header.outputs.map(({ bytes }) => bytes);
    if (givesOutputsByReference(header)) {
      const outputRoot = joinedRoot(sizes, output);
      // Before the chain names it: who sees the post may ask for the bytes at once.
      store.publishOutput(request, outputRoot);
      const uri = context.outputUri?.(outputRoot) ?? "";
      await transactions.send(postByReference(addresses, { requestId, question, outputRoot, uri }));
    } else await transactions.send(postOutput(addresses, { requestId, question, output }));
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
