import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createLogger } from "@surety/service";
import { bytesToHex } from "viem";
import { createEstimates } from "../../oracle-node/src/inference/estimates.ts";
import { infer } from "../../oracle-node/src/inference/infer.ts";
import { openServedModels } from "../../oracle-node/src/inference/models.ts";
import { startInferencePool } from "../../oracle-node/src/inference/pool.ts";
import { createMetrics } from "../../oracle-node/src/metrics/metrics.ts";
import { openQueues } from "../../oracle-node/src/queue/open-queue.ts";
import { openInferenceQueues } from "../../oracle-node/src/queue/work-queues.ts";
import { createRefusals } from "../../oracle-node/src/request/refusals.ts";
import { openStore } from "../../oracle-node/src/store/store.ts";
import type { Scene } from "../../oracle-node/src/testing/scene.ts";
import { usageOf } from "./processes.ts";

export interface QueueLoadOptions {
  readonly requests: number;
  /** `--inference-processes`. */
  readonly processes: number;
  /** As `--queue`. */
  readonly queueUrl: string;
}

export interface Sample {
  /** Requests answered. */
  readonly answered: number;
  /** Resident memory of the node's process and of those that run models, in MB. */
  readonly nodeMb: number;
  readonly modelsMb: number;
}

export interface QueueLoad {
  readonly options: QueueLoadOptions;
  readonly seconds: number;
  /** Mean wall-clock milliseconds of a request. They overlap: several requests are under way. */
  readonly stages: {
    /** Adding the job to the queue. */
    readonly add: number;
    /** The model, inside its process. */
    readonly model: number;
    /** To that process and back, and the wait until it is free. */
    readonly toProcess: number;
    /** Looking for an answer before, writing it down after. */
    readonly store: number;
  };
  /** Processor milliseconds of a request, in the node's process and in those of the models. */
  readonly cpu: { readonly node: number; readonly models: number };
  /** At every twentieth of the requests. */
  readonly samples: readonly Sample[];
  /** How often each request was answered: all 1. */
  readonly answers: readonly number[];
}

/** Requests that are in the queue or under way at a time. */
const WINDOW = 128;
const MEGABYTE = 2 ** 20;

/**
 * Drives requests through a node's own queue, processes and store, without a chain: adds them as fast as they are answered.
 *
 * @param scene For its model and images.
 */
export async function runQueueLoad(scene: Scene, options: QueueLoadOptions): Promise<QueueLoad> {
  const { requests, processes, queueUrl } = options;
  const dataDir = mkdtempSync(join(scene.folder, "load-"));
  const { modelId } = scene.bundle;
  const deployment = `load/${dataDir}`;
  const store = openStore({ dataDir, deployment, operator: `0x${"0".repeat(40)}` });
  const pool = startInferencePool({ inferenceProcesses: processes }, dataDir);
  const models = openServedModels(scene.bundlesDir);
  const estimates = createEstimates(processes);
  for (const { dir } of models.all()) await pool.askAll({ kind: "open", bundleDir: dir });
  const queues = await openQueues({ url: queueUrl, dataDir, owner: deployment });
  const queue = openInferenceQueues(queues, [modelId]);
  const sums = { add: 0, model: 0, ask: 0, infer: 0 };
  const timed = async <Value>(stage: keyof typeof sums, work: () => Promise<Value>): Promise<Value> => {
    const startedAt = performance.now();
    const value = await work();
    sums[stage] += performance.now() - startedAt;
    return value;
  };
  const answers = Array.from({ length: requests }, () => 0);
  const samples: Sample[] = [];
  let answered = 0;
  let added = 0;
  let wake = () => {};

  const context = {
    ...{ models, store, estimates, nowSeconds: () => Date.now() / 1_000 },
    pool: {
      ...pool,
      ask: (...task: Parameters<typeof pool.ask>) => timed("ask", () => pool.ask(...task)) as never,
    },
    faults: { next: () => undefined },
    refusals: createRefusals(createLogger("load", "silent"), createMetrics()),
    onInference: (seconds: number) => {
      sums.model += seconds * 1_000;
    },
  };
  const { promise: done, resolve: allDone } = Promise.withResolvers<void>();
  await queue.work(
    modelId,
    async (job) => {
      const index = Number(job.requestId) - 1;
      if (await timed("infer", () => infer(context, job))) answers[index] = (answers[index] ?? 0) + 1;
      answered += 1;
      if (answered % Math.max(1, Math.floor(requests / 20)) === 0) samples.push(sampleAt(answered));
      wake();
      if (answered === requests) allDone();
    },
    { concurrency: processes + 1, onFailure: (_job, error) => console.error(error) },
  );

  const before = usageOf(process.pid);
  const startedAt = performance.now();
  const deadline = Math.floor(Date.now() / 1_000) + 86_400;
  while (added < requests) {
    if (added - answered >= WINDOW) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const input = bytesToHex(scene.input(added % 100));
    added += 1;
    const job = { requestId: String(added), attempt: 0, modelId, deadline: deadline + added, input };
    await timed("add", () => queue.add(`load-${added}`, job));
  }
  await done;
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = usageOf(process.pid);
  await queues.close();
  await pool.close();
  store.close();

  const used = (isOwn: boolean) => {
    const total = (usages: typeof before) =>
      usages
        .filter(({ pid, program }) => (pid === process.pid) === isOwn && program !== "anvil")
        .reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    return (total(after) - total(before)) / requests;
  };
  return {
    ...{ options, seconds, samples, answers },
    stages: {
      add: sums.add / requests,
      model: sums.model / requests,
      toProcess: (sums.ask - sums.model) / requests,
      store: (sums.infer - sums.ask) / requests,
    },
    cpu: { node: used(true), models: used(false) },
  };
}

function sampleAt(answered: number): Sample {
  const [own, ...others] = usageOf(process.pid);
  const models = others.filter(({ program }) => program !== "anvil");
  return {
    answered,
    nodeMb: (own?.residentBytes ?? 0) / MEGABYTE,
    modelsMb: models.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / MEGABYTE,
  };
}
