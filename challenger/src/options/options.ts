import type { ServiceOptions } from "@surety/service";
import type { Address } from "viem";
import type { PolicyOptions } from "../verify/policy.ts";

/** Everything a challenger is started with. Models that it holds no bundle of are not checked. The API's default port is 9465. */
export interface ChallengerOptions extends ServiceOptions {
  /** Which answers are checked. Default: all. */
  readonly policy?: PolicyOptions;
  /** Verify, reckon and simulate, send nothing. Default: false. */
  readonly dryRun?: boolean;
  /** Put up the watchers' stake for every model at hand, and take part in attention tests. Default: false. */
  readonly attend?: boolean;
  /** Tell consumers that took an answer which own games refuted, at own gas. Default: false. */
  readonly deliver?: boolean;
  /** Whose right answers are defended, by revealing for them, when they do not answer themselves. Default: nobody's. */
  readonly defend?: "all" | readonly Address[];
  /** Verify and report; open nothing, play nothing. Default: false. */
  readonly watchOnly?: boolean;
}
