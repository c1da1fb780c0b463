import type { ServiceOptions } from "@surety/service";
import type { FaultOptions } from "../testing/fault-plan.ts";

/** Everything an oracle node is started with. The API's default port is 9464. */
export interface OracleNodeOptions extends ServiceOptions {
  /** `embedded` or `redis://...`. Default: `embedded`. */
  readonly queueUrl?: string;
  /** Lie, on a devnet. Default: be honest. */
  readonly fault?: FaultOptions;
}
