import type { ServiceOptions } from "@surety/service";
import type { PoolOptions } from "../inference/pool.ts";
import type { FaultOptions } from "../testing/fault-plan.ts";

export const PUBLICATIONS = ["models", "outputs", "nothing"] as const;
export type Publication = (typeof PUBLICATIONS)[number];

/** Everything an oracle node is started with. The API's default port is 9464. */
export interface OracleNodeOptions extends ServiceOptions, PoolOptions {
  /** `embedded`, `redis://...` or `postgres://...`. Default: `embedded`. */
  readonly queueUrl?: string;
  /** Share of workers' results that the node computes again. Default: 0.05. */
  readonly recheckShare?: number;
  /** What the API gives to anyone, by its hash: bundles, and answers posted by reference. Default: both. */
  readonly publish?: readonly Publication[];
  /** Base URL at which others reach the API; posts by reference then say where their bytes are. Default: they say nothing. */
  readonly publicUrl?: string;
  /** Port of the explorer, on the API's interface; 0 takes a free one. Default: no explorer. */
  readonly explorerPort?: number;
  /** Deliver again what consumers of own answers missed, revocations before them included, at own gas. Default: false. */
  readonly deliver?: boolean;
  /** Lie, on a devnet. Default: be honest. */
  readonly fault?: FaultOptions;
}
