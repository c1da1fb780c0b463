import { type ModelId, parseModelId } from "@surety/protocol";
import type { InferenceJob } from "../inference/infer.ts";
import type { ResultJob } from "../inference/result.ts";
import type { JobCounts, JobQueue, QueueHost, WorkOptions } from "./job-queue.ts";

/** The inference jobs of one operator: a queue for each model, so that a worker takes only what it can run. */
export interface InferenceQueues {
  /** The job with the nearest deadline is done first. */
  add(id: string, job: InferenceJob): Promise<void>;
  /** Starts doing a model's jobs; once for each model. */
  work(
    modelId: ModelId,
    handler: (job: InferenceJob) => Promise<void>,
    options: WorkOptions<InferenceJob>,
  ): Promise<void>;
  /** Over all models that were ever asked for here. */
  counts(): Promise<JobCounts>;
  forgetFailed(): Promise<void>;
}

export function openInferenceQueues(host: QueueHost, models: readonly ModelId[]): InferenceQueues {
  const queues = new Map<ModelId, JobQueue<InferenceJob>>();
  const working = new Set<ModelId>();
  const of = (modelId: ModelId) => {
    const queue = queues.get(modelId) ?? host.open<InferenceJob>(`inference-${modelId.slice(2, 18)}`);
    queues.set(modelId, queue);
    return queue;
  };
  for (const modelId of models) of(modelId);
  return {
    add: (id, job) => of(parseModelId(job.modelId)).add(id, job, job.deadline),
    async work(modelId, handler, options) {
      if (working.has(modelId)) return;
      working.add(modelId);
      await of(modelId).work(handler, options);
    },
    async counts() {
      const all = await Promise.all([...queues.values()].map((queue) => queue.counts()));
      const sum = (state: keyof JobCounts) => all.reduce((total, counts) => total + counts[state], 0);
      return { waiting: sum("waiting"), active: sum("active"), failed: sum("failed") };
    },
    async forgetFailed() {
      await Promise.all([...queues.values()].map((queue) => queue.forgetFailed()));
    },
  };
}

/** What workers on other machines have computed, on its way to the node. */
export function openResultQueue(host: QueueHost): JobQueue<ResultJob> {
  return host.open<ResultJob>("results");
}

/** Under which name an operator's jobs stand in a store that many share. */
export function queueOwner(chainId: number, oracle: string, game: string, operator: string): string {
  return `${chainId}/${oracle}/${game}/${operator}`.toLowerCase();
}
