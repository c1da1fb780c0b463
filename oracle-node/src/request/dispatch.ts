import { questionOf } from "@surety/protocol";
import type { Logger } from "@surety/service";
import { type Address, bytesToHex } from "viem";
import type { InferenceJob } from "../inference/infer.ts";
import type { JobQueue } from "../queue/job-queue.ts";
import type { PostJob } from "../result/post.ts";
import type { Store } from "../store/store.ts";
import { decideServing } from "./decide.ts";
import type { Membership } from "./membership.ts";
import type { RequestViews } from "./request-views.ts";

export interface DispatchContext {
  readonly operator: Address;
  readonly membership: Membership;
  readonly store: Store;
  readonly views: RequestViews;
  readonly inference: Pick<JobQueue<InferenceJob>, "add">;
  readonly posting: JobQueue<PostJob>;
  readonly log: Pick<Logger, "info">;
  /** The chain's time. */
  readonly nowSeconds: () => number;
}

/** A job is offered to its queue again after this long, should it have ended without an effect. */
const OFFER_AGAIN_MS = 5_000;

/**
 * Queues what this node should answer now: the inference, or, where the answer is known, its posting. Meant to be called again and again:
 * the state of the chain decides, and a queue takes a job's id once.
 */
export function createDispatcher(context: DispatchContext): { dispatch(): Promise<void> } {
  const { operator, membership, store, views, inference, posting, log, nowSeconds } = context;
  const offeredAt = new Map<string, number>();

  function isFresh(offer: string, now: number): boolean {
    if (offeredAt.has(offer)) return false;
    offeredAt.set(offer, now);
    return true;
  }

  return {
    async dispatch() {
      const now = performance.now();
      for (const [offer, at] of offeredAt) if (now - at > OFFER_AGAIN_MS) offeredAt.delete(offer);
      for (const request of store.openRequests()) {
        const { view, assignee } = await views.get(request.requestId);
        if (decideServing(view, assignee, operator, nowSeconds()) !== "serve") continue;
        if (!(await membership.serves(request.modelId))) continue;
        const job = { requestId: String(request.requestId), attempt: view.attempt };
        // Names the question, not only its number: after a reorg the number may belong to another one.
        const question = questionOf(view.modelId, view.inputRoot);
        const id = `${job.requestId}-${job.attempt}-${question.slice(2, 18)}`;
        if (store.answerTo(request) !== undefined) {
          if (isFresh(`post ${id}`, now)) await posting.add(id, job);
        } else if (isFresh(`inference ${id}`, now)) {
          await inference.add(id, { ...job, modelId: request.modelId, input: bytesToHex(request.input) });
          log.info({ ...job, modelId: request.modelId }, "request taken");
        }
      }
    },
  };
}
