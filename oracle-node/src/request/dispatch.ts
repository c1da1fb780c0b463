import type { ModelId } from "@surety/protocol";
import { type Address, bytesToHex } from "viem";
import type { InferenceJob } from "../inference/infer.ts";
import type { JobQueue } from "../queue/job-queue.ts";
import type { PostJob } from "../result/post.ts";
import type { Store } from "../store/store.ts";
import { decideServing } from "./decide.ts";
import type { RequestViews } from "./request-views.ts";

export interface DispatchContext {
  readonly operator: Address;
  /** Whether this node can run the model and is in its set. */
  readonly serves: (modelId: ModelId) => Promise<boolean>;
  readonly store: Store;
  readonly views: RequestViews;
  readonly inference: JobQueue<InferenceJob>;
  readonly posting: JobQueue<PostJob>;
}

/**
 * Queues what this node should answer now: the inference, or, where the answer is known, its posting. Queues take a job's id once, so
 * saying it again at every block is harmless.
 */
export async function dispatchRequests(context: DispatchContext, nowSeconds: number): Promise<void> {
  const { operator, serves, store, views, inference, posting } = context;
  for (const request of store.openRequests()) {
    const view = await views.get(request.requestId);
    if (decideServing(view, operator, nowSeconds) !== "serve" || !(await serves(request.modelId))) continue;
    const job = { requestId: String(request.requestId), attempt: view.attempt };
    // Names the question, not only its number: after a reorg the number may belong to another one.
    const id = `${job.requestId}-${job.attempt}-${view.inputRoot.slice(2, 18)}`;
    if (store.answerTo(request) !== undefined) await posting.add(id, job);
    else await inference.add(id, { ...job, modelId: request.modelId, input: bytesToHex(request.input) });
  }
}
