import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { siblingModule } from "@surety/protocol";
import { createModelPool, type ModelPool, startModelProcess } from "@surety/service";
import type { Results, Task } from "./task.ts";

/** How many processes run models, and what each may take. */
export interface PoolOptions {
  /** Default: 1. */
  readonly inferenceProcesses?: number;
  /** Memory that one may have resident, in megabytes; Linux only. Default: the share of one in half of the machine's. */
  readonly inferenceMemoryMb?: number;
}

/** The processes that run models. */
export type InferencePool = ModelPool<Task, Results>;

const MEGABYTE = 2 ** 20;

/** Each gets its share of the cores: models run side by side, not in each other's way. */
export function startInferencePool(options: PoolOptions, dataDir: string): InferencePool {
  const { inferenceProcesses = 1, inferenceMemoryMb } = options;
  const memoryBytes =
    inferenceMemoryMb === undefined ? totalmem() / 2 / inferenceProcesses : inferenceMemoryMb * MEGABYTE;
  const data = {
    checkedModelsDir: join(dataDir, "checked-models"),
    intraOpNumThreads: Math.max(1, Math.floor(availableParallelism() / inferenceProcesses)),
  };
  const script = siblingModule("./model-worker", import.meta.url);
  return createModelPool(inferenceProcesses, () => startModelProcess(script, { data, memoryBytes }));
}
