import { type ModelId, questionOf, type RequestId } from "@surety/protocol";
import type { Logger } from "@surety/service";
import { type Address, bytesToHex } from "viem";
import type { Estimates } from "../inference/estimates.ts";
import type { InferenceJob } from "../inference/infer.ts";
import type { JobQueue } from "../queue/job-queue.ts";
import type { PostJob } from "../result/post.ts";
import type { Store } from "../store/store.ts";
import { decideServing } from "./decide.ts";
import { inTime } from "./in-time.ts";
import type { Membership } from "./membership.ts";
import type { Refusals } from "./refusals.ts";
import type { KnownRequest, RequestViews } from "./request-views.ts";

export interface DispatchContext {
  readonly operator: Address;
  readonly membership: Membership;
  readonly store: Store;
  readonly views: RequestViews;
  readonly inference: Pick<JobQueue<InferenceJob>, "add">;
  readonly posting: Pick<JobQueue<PostJob>, "add">;
  readonly estimates: Estimates;
  readonly refusals: Refusals;
  readonly log: Pick<Logger, "info">;
  /** The chain's time. */
  readonly nowSeconds: () => number;
}

export interface Dispatcher {
  /** Queues what is due. */
  dispatch(): Promise<void>;
  /** A reorg took away what was done: all is offered again. */
  forgetOffers(): void;
  /** Queues the posting of an answer that has just been written down, if it is due. */
  answered(requestId: RequestId, modelId: ModelId): Promise<void>;
}

/** A request that this node should answer now. */
interface Due {
  readonly requestId: RequestId;
  readonly modelId: ModelId;
  /** Of the job: names the question, not only its number, for after a reorg the number may belong to another one. */
  readonly id: string;
  readonly attempt: number;
  readonly deadline: number;
  readonly seconds: number;
  readonly isAnswered: boolean;
}

/** A job is offered to its queue again after this long, should it have ended without an effect. */
const OFFER_AGAIN_MS = 5_000;
/** Requests whose state is read from the chain at once. */
const READS_AT_ONCE = 16;

/**
 * Queues what this node should answer now: the inference, unless it cannot be finished in time, or, where the answer is known, its posting. Meant to be called
 * again and again: the state of the chain decides, and a queue takes a job's id once.
 */
export function createDispatcher(context: DispatchContext): Dispatcher {
  const { operator, membership, store, views, inference, posting, estimates, refusals, log, nowSeconds } =
    context;
  const offeredAt = new Map<string, number>();

  async function dueOf(
    { requestId, modelId }: { readonly requestId: RequestId; readonly modelId: ModelId },
    { view, assignee }: KnownRequest,
  ): Promise<Due | undefined> {
    if (decideServing(view, assignee, operator, nowSeconds()) !== "serve") return undefined;
    if (!(await membership.serves(modelId))) return undefined;
    const question = questionOf(view.modelId, view.inputRoot, view.itemCount);
    return {
      ...{ requestId, modelId },
      id: `${requestId}-${view.attempt}-${question.slice(2, 18)}`,
      attempt: view.attempt,
      deadline: view.deadline,
      seconds: view.itemCount * estimates.runSeconds(modelId),
      isAnswered: store.isAnswered(requestId, question),
    };
  }

  async function offer(kind: "post" | "inference", { id, deadline, ...due }: Due): Promise<void> {
    const now = performance.now();
    const offered = `${kind} ${id}`;
    if (now - (offeredAt.get(offered) ?? Number.NEGATIVE_INFINITY) < OFFER_AGAIN_MS) return;
    offeredAt.set(offered, now);
    const job = { requestId: String(due.requestId), attempt: due.attempt };
    if (kind === "post") return posting.add(id, job, deadline);
    const request = store.requestOf(due.requestId);
    if (request === undefined) return;
    await inference.add(id, { ...job, deadline, modelId: due.modelId, input: bytesToHex(request.input) });
    log.info({ ...job, modelId: due.modelId }, "request taken");
  }

  return {
    forgetOffers: () => offeredAt.clear(),

    async dispatch() {
      const now = performance.now();
      for (const [offer, at] of offeredAt) if (now - at > OFFER_AGAIN_MS) offeredAt.delete(offer);
      const open = store.requestsToAnswer();
      refusals.keep(open.map(({ requestId }) => requestId));
      const due: Due[] = [];
      for (let first = 0; first < open.length; first += READS_AT_ONCE) {
        const some = open.slice(first, first + READS_AT_ONCE);
        const known = await Promise.all(some.map(({ requestId }) => views.get(requestId)));
        for (const [index, request] of some.entries()) {
          const found = await dueOf(request, known[index] as KnownRequest);
          if (found !== undefined) due.push(found);
        }
      }
      for (const request of due) if (request.isAnswered) await offer("post", request);
      const capacity = {
        nowSeconds: nowSeconds(),
        lanes: estimates.lanes(),
        postSeconds: estimates.postSeconds(),
      };
      const { doable, late } = inTime(
        due.filter(({ isAnswered }) => !isAnswered),
        capacity,
      );
      for (const request of late) refusals.refuse(request.requestId, "not-in-time", request.deadline);
      for (const request of doable) await offer("inference", request);
    },

    async answered(requestId, modelId) {
      const due = await dueOf({ requestId, modelId }, await views.get(requestId));
      if (due?.isAnswered) await offer("post", due);
    },
  };
}
