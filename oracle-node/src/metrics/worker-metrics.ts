import { Counter, collectDefaultMetrics, Histogram, Registry } from "@surety/service";
import { INFERENCE_BUCKETS } from "./metrics.ts";

/** What a worker counts. */
export function createWorkerMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    inferenceSeconds: new Histogram({
      name: "surety_worker_inference_seconds",
      help: "Time to run a model on one request.",
      buckets: INFERENCE_BUCKETS,
      registers,
    }),
    results: new Counter({ name: "surety_worker_results_total", help: "Results given back.", registers }),
    errors: new Counter({
      name: "surety_worker_errors_total",
      help: "Errors, by code.",
      labelNames: ["code"] as const,
      registers,
    }),
  };
}
