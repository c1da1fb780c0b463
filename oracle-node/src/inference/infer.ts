import { FatalError, parseModelId, parseRequestId } from "@surety/protocol";
import { hexToBytes } from "viem";
import type { Store, StoredRequest } from "../store/store.ts";
import type { FaultPlan } from "../testing/fault-plan.ts";
import type { ServedModels } from "./models.ts";
import { computeAnswer } from "./own-answer.ts";
import type { NodeThread } from "./task.ts";

/** From the request stage: a question to answer. Carries all a worker needs. */
export interface InferenceJob {
  readonly requestId: string;
  readonly attempt: number;
  readonly modelId: string;
  /** Hexadecimal bytes. */
  readonly input: string;
}

export interface InferContext {
  readonly models: ServedModels;
  readonly thread: NodeThread;
  readonly store: Store;
  readonly faults: FaultPlan;
  /** Told how long the model ran, in seconds. */
  readonly onInference: (seconds: number) => void;
}

/**
 * Runs the model on a request's input and writes the answer down.
 *
 * @throws FatalError MODEL_NOT_SERVED, ANSWER_CONFLICT and the engine's; RetryableError MODEL_THREAD_ENDED
 */
export async function infer(context: InferContext, job: InferenceJob): Promise<void> {
  const { models, thread, store, faults, onInference } = context;
  const request = requestOf(job);
  if (store.answerTo(request) !== undefined) return;
  const model = models.find(request.modelId);
  if (model === undefined) {
    throw new FatalError(
      "MODEL_NOT_SERVED",
      `Model ${request.modelId} is not among the bundles of this node.`,
    );
  }
  const fault = faults.next(request.requestId);
  const startedAt = performance.now();
  await computeAnswer({ thread, store }, request, model, fault);
  onInference((performance.now() - startedAt) / 1_000);
}

export function requestOf({ requestId, modelId, input }: InferenceJob): StoredRequest {
  return {
    requestId: parseRequestId(requestId),
    modelId: parseModelId(modelId),
    input: hexToBytes(input as `0x${string}`),
  };
}
