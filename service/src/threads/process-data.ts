import { workerData } from "node:worker_threads";
import type { ModelThreadData } from "./messages.ts";

/** Variable of the environment by which a model's process gets its `ModelThreadData`, as JSON. */
export const PROCESS_DATA = "MODEL_PROCESS_DATA";

/** What this thread or process was started with; undefined in one that is no model's. */
export function ownData(): ModelThreadData | undefined {
  const given = process.env[PROCESS_DATA];
  const data = given === undefined ? workerData : JSON.parse(given);
  return (data as ModelThreadData | null) ?? undefined;
}
