import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = ReturnType<typeof createMetrics>;

/** Everything the node counts, in one registry of its own. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    headBlock: new Gauge({ name: "surety_node_head_block", help: "Last block taken in.", registers }),
    reorgs: new Counter({ name: "surety_node_reorgs_total", help: "Reorganisations undone.", registers }),
    inferenceSeconds: new Histogram({
      name: "surety_node_inference_seconds",
      help: "Time to run a model on one request.",
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
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
    jobs: new Gauge({
      name: "surety_node_jobs",
      help: "Jobs by queue and state.",
      labelNames: ["queue", "state"] as const,
      registers,
    }),
    transactions: new Counter({
      name: "surety_node_transactions_total",
      help: "Transactions sent, sent again and mined, by call.",
      labelNames: ["what", "event"] as const,
      registers,
    }),
    gasUsed: new Counter({ name: "surety_node_gas_total", help: "Gas used by own transactions.", registers }),
    errors: new Counter({
      name: "surety_node_errors_total",
      help: "Errors, by code.",
      labelNames: ["code"] as const,
      registers,
    }),
  };
}
