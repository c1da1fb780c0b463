import type { ServiceOptions } from "@surety/service";
import type { FaultOptions } from "../testing/fault-plan.ts";

/** Everything an oracle node is started with. The API's default port is 9464. */
export interface OracleNodeOptions extends ServiceOptions {
  /** `embedded`, `redis://...` or `postgres://...`. Default: `embedded`. */
  readonly queueUrl?: string;
  /** Share of workers' results that the node computes again. Default: 0.05. */
  readonly recheckShare?: number;
  /** Lie, on a devnet. Default: be honest. */
  readonly fault?: FaultOptions;
}
