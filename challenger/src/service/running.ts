import type { FastifyBaseLogger } from "fastify";
import type { Metrics } from "../metrics/metrics.ts";

/** What every stage tells the outside. */
export interface Telemetry {
  readonly log: Pick<FastifyBaseLogger, "info" | "warn" | "error" | "debug">;
  readonly metrics: Metrics;
}
