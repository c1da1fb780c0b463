import { Counter, createServiceMetrics, Gauge, Histogram } from "@surety/service";

export type Metrics = ReturnType<typeof createMetrics>;

/** Everything the challenger counts, in one registry of its own. */
export function createMetrics() {
  const service = createServiceMetrics("surety_challenger");
  const { registers } = service;
  return {
    ...service,
    verified: new Counter({
      name: "surety_challenger_verified_total",
      help: "Assertions run again, by what was found.",
      labelNames: ["finding"] as const,
      registers,
    }),
    skipped: new Counter({
      name: "surety_challenger_skipped_total",
      help: "Answers that the policy leaves unchecked, by why: model, sample, value, fee.",
      labelNames: ["why"] as const,
      registers,
    }),
    verifySeconds: new Histogram({
      name: "surety_challenger_verify_seconds",
      help: "Time to run one request again and compare.",
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
      registers,
    }),
    backlog: new Gauge({
      name: "surety_challenger_unverified_assertions",
      help: "Assertions seen and not yet verified; those of models without a bundle stay.",
      registers,
    }),
    liveGames: new Gauge({ name: "surety_challenger_live_games", help: "Own games not ended.", registers }),
    moves: new Counter({
      name: "surety_challenger_moves_total",
      help: "Moves made, by kind.",
      labelNames: ["kind"] as const,
      registers,
    }),
    defenceMoves: new Counter({
      name: "surety_challenger_defence_moves_total",
      help: "Moves made for posters that did not make them, by call.",
      labelNames: ["kind"] as const,
      registers,
    }),
    attention: new Counter({
      name: "surety_challenger_attention_total",
      help: "Attention tests: attended, late, audited, poster-shown, rewarded.",
      labelNames: ["what"] as const,
      registers,
    }),
    reservedWei: new Gauge({
      name: "surety_challenger_reserved_wei",
      help: "What the games under way may still cost, when a game was last opened.",
      registers,
    }),
    withdrawnWei: new Counter({
      name: "surety_challenger_withdrawn_wei_total",
      help: "Bonds and rewards withdrawn.",
      registers,
    }),
  };
}
