import { hostname } from "node:os";
import { questionAsked } from "@surety/engine";
import { errorCode, FatalError, isRetryable, UsageError } from "@surety/protocol";
import {
  createLogger,
  createTeardown,
  fetchWantedModels,
  reasonOf,
  serveApi,
  settles,
} from "@surety/service";
import { bytesToHex } from "viem";
import { type InferenceJob, requestOf } from "../inference/infer.ts";
import { openServedModels } from "../inference/models.ts";
import { startInferencePool } from "../inference/pool.ts";
import { createWorkerMetrics } from "../metrics/worker-metrics.ts";
import { openQueues } from "../queue/open-queue.ts";
import { openInferenceQueues, openResultQueue } from "../queue/work-queues.ts";
import { WORKER_PORT, type WorkerOptions } from "./options.ts";

export interface RunningWorker {
  readonly url: string;
  readonly name: string;
  /** Finishes the job under way; what it does not finish another takes up. */
  stop(): Promise<void>;
}

/**
 * Starts a worker: takes a node's inference jobs from the queue that they share, and gives the results back by it.
 *
 * @throws FatalError QUEUE_URL_UNSUPPORTED, QUEUE_UNREACHABLE, PORT_IN_USE and those of a model that is not right here; UsageError BUNDLES_MISSING, OPTION_INVALID
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { queueUrl, owner, bundlesDir, dataDir = ".surety/worker" } = options;
  const name = options.name ?? `${hostname()}-${process.pid}`;
  if (queueUrl === "embedded") {
    throw new UsageError(
      "OPTION_INVALID",
      "An embedded queue is in the node's own process: give both --queue redis://... or postgres://...",
    );
  }
  const log = createLogger("worker", options.logLevel);
  const metrics = createWorkerMetrics();
  await fetchWantedModels(options, log);
  const models = openServedModels(bundlesDir);
  const modelIds = models.all().map(({ modelId }) => modelId);
  const teardown = createTeardown();
  try {
    const pool = startInferencePool(options, dataDir);
    teardown.add(() => pool.close());
    // INVARIANT: nothing is computed by a kernel or a model that is not right on this machine.
    for (const { dir } of models.all()) await pool.askAll({ kind: "open", bundleDir: dir });
    const queues = await openQueues({ url: queueUrl, dataDir, owner });
    teardown.add(() => queues.close());
    const inference = openInferenceQueues(queues, modelIds);
    const results = openResultQueue(queues);

    const compute = async (job: InferenceJob) => {
      const { modelId, input } = requestOf(job);
      const model = models.find(modelId);
      if (model === undefined)
        throw new FatalError("MODEL_NOT_SERVED", `Model ${modelId} is not among the bundles of this worker.`);
      const run = { kind: "run", bundleDir: model.dir, input, fault: undefined } as const;
      const { output, seconds } = await pool.ask(run, job.deadline);
      metrics.inferenceSeconds.observe(seconds);
      const { requestId, attempt } = job;
      const question = questionAsked(model, input);
      const id = `${requestId}-${attempt}-${question.slice(2, 18)}`;
      await results.add(id, {
        requestId,
        attempt,
        modelId,
        question,
        output: bytesToHex(output),
        worker: name,
        processes: pool.size,
      });
      metrics.results.inc();
      log.info({ requestId, attempt, modelId }, "computed");
    };
    for (const modelId of modelIds) {
      await inference.work(modelId, compute, {
        // One more than can run, so that a process need not wait for the queue.
        concurrency: pool.size + 1,
        onFailure({ requestId }, error) {
          metrics.errors.inc({ code: errorCode(error) });
          const level = isRetryable(error) ? "warn" : "error";
          log[level]({ requestId, code: errorCode(error), reason: reasonOf(error) }, "failed");
        },
      });
    }
    const api = await serveApi({
      title: "Surety worker",
      host: options.host ?? "127.0.0.1",
      port: options.port ?? WORKER_PORT,
      log,
      registry: metrics.registry,
      readiness: async () => ({ queue: await settles(inference.counts()) }),
      routes: {},
    });
    teardown.add(() => api.close());
    log.info({ url: api.url, name, models: modelIds }, "started");
    return { url: api.url, name, stop: () => teardown.run() };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}
