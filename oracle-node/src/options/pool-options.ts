import { type OptionTable, optional, take } from "@surety/service";
import type { PoolOptions } from "../inference/pool.ts";

/** How many processes run models, of a node and of a worker. */
export const POOL_OPTIONS = {
  "inference-processes": {
    schema: take.count,
    value: "N",
    help: "processes that run models, each on its share of the cores (default 1)",
  },
  "inference-memory-mb": {
    schema: take.count,
    value: "N",
    help: "memory of each; one that takes more is replaced (default: half of the machine's, shared)",
  },
} as const satisfies OptionTable;

export function poolOptionsOf(given: {
  readonly "inference-processes"?: number | undefined;
  readonly "inference-memory-mb"?: number | undefined;
}): PoolOptions {
  return {
    ...optional("inferenceProcesses", given["inference-processes"]),
    ...optional("inferenceMemoryMb", given["inference-memory-mb"]),
  };
}
