import { itemCountOf } from "@surety/engine";
import { FatalError, parseModelId, parseRequestId } from "@surety/protocol";
import { hexToBytes } from "viem";
import type { Refusals } from "../request/refusals.ts";
import type { Store, StoredRequest } from "../store/store.ts";
import type { FaultPlan } from "../testing/fault-plan.ts";
import type { Estimates } from "./estimates.ts";
import type { ServedModels } from "./models.ts";
import { computeAnswer } from "./own-answer.ts";
import type { InferencePool } from "./pool.ts";
import type { DefenceThread, Task } from "./task.ts";

/** From the request stage: a question to answer. Carries all a worker needs. */
export interface InferenceJob {
  readonly requestId: string;
  readonly attempt: number;
  readonly modelId: string;
  /** Unix time in seconds after which no answer is taken. */
  readonly deadline: number;
  /** Hexadecimal bytes. */
  readonly input: string;
}

export interface InferContext {
  readonly models: ServedModels;
  readonly pool: InferencePool;
  readonly store: Store;
  readonly faults: FaultPlan;
  readonly estimates: Estimates;
  readonly refusals: Refusals;
  /** The chain's time. */
  readonly nowSeconds: () => number;
  /** Told how long the model ran, in seconds; the wait for a free process is not in it. */
  readonly onInference: (seconds: number) => void;
}

/**
 * Runs the model on a request's input and writes the answer down, unless it would come too late.
 *
 * @returns True when there is an answer to post.
 * @throws FatalError MODEL_NOT_SERVED, ANSWER_CONFLICT and the engine's; RetryableError MODEL_PROCESS_ENDED, MODEL_PROCESS_MEMORY
 */
export async function infer(context: InferContext, job: InferenceJob): Promise<boolean> {
  const { models, pool, store, faults, estimates, refusals, nowSeconds, onInference } = context;
  const request = requestOf(job);
  if (store.answerTo(request) !== undefined) return true;
  const isTooLate = nowSeconds() + estimates.postSeconds() > job.deadline;
  if (isTooLate) {
    refusals.refuse(request.requestId, "waited-too-long", job.deadline);
    return false;
  }
  const model = models.find(request.modelId);
  if (model === undefined) {
    throw new FatalError(
      "MODEL_NOT_SERVED",
      `Model ${request.modelId} is not among the bundles of this node.`,
    );
  }
  const fault = faults.next(request.requestId);
  const thread = { ask: ((task: Task) => pool.ask(task, job.deadline)) as DefenceThread["ask"] };
  await computeAnswer({ thread, store }, request, model, fault, (seconds) => {
    onInference(seconds);
    estimates.ran(request.modelId, seconds / itemCountOf(model.header.inputBytes, request.input));
  });
  return true;
}

export function requestOf({ requestId, modelId, input }: InferenceJob): StoredRequest {
  return {
    requestId: parseRequestId(requestId),
    modelId: parseModelId(modelId),
    input: hexToBytes(input as `0x${string}`),
  };
}
