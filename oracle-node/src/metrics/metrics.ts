import { Counter, createServiceMetrics, Gauge, Histogram } from "@surety/service";

export type Metrics = ReturnType<typeof createMetrics>;

/** Seconds. */
export const INFERENCE_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** Everything the node counts, in one registry of its own. */
export function createMetrics() {
  const service = createServiceMetrics("surety_node");
  const { registers } = service;
  return {
    ...service,
    inferenceSeconds: new Histogram({
      name: "surety_node_inference_seconds",
      help: "Time to run a model on one request.",
      buckets: INFERENCE_BUCKETS,
      registers,
    }),
    postSeconds: new Histogram({
      name: "surety_node_post_seconds",
      help: "Time from an answer that is known to its place on the chain.",
      buckets: [0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300],
      registers,
    }),
    posted: new Counter({ name: "surety_node_posted_total", help: "Answers posted.", registers }),
    finalised: new Counter({
      name: "surety_node_finalised_total",
      help: "Own answers made final.",
      registers,
    }),
    defenceMoves: new Counter({
      name: "surety_node_defence_moves_total",
      help: "Moves made in games against own answers, by kind.",
      labelNames: ["kind"] as const,
      registers,
    }),
    delivered: new Counter({
      name: "surety_node_delivered_total",
      help: "What consumers had missed and were told: delivered, revoked.",
      labelNames: ["what"] as const,
      registers,
    }),
    openRequests: new Gauge({
      name: "surety_node_open_requests",
      help: "Requests without a final answer, this node's or not.",
      registers,
    }),
    openAssertions: new Gauge({
      name: "surety_node_open_assertions",
      help: "Own answers neither final nor refuted.",
      registers,
    }),
    openGames: new Gauge({ name: "surety_node_open_games", help: "Games against own answers.", registers }),
    refused: new Counter({
      name: "surety_node_requests_refused_total",
      help: "Requests that were this node's to answer and were refused, by reason.",
      labelNames: ["reason"] as const,
      registers,
    }),
    draining: new Gauge({
      name: "surety_node_draining",
      help: "1 while the node answers nothing new.",
      registers,
    }),
    workerResults: new Counter({
      name: "surety_node_worker_results_total",
      help: "Results of workers: taken, computed again and right, or wrong.",
      labelNames: ["worker", "how"] as const,
      registers,
    }),
    jobs: new Gauge({
      name: "surety_node_jobs",
      help: "Jobs by queue and state.",
      labelNames: ["queue", "state"] as const,
      registers,
    }),
  };
}
