import type { ServiceOptions } from "@surety/service";

/** Everything a challenger is started with. Models that it holds no bundle of are not checked. The API's default port is 9465. */
export interface ChallengerOptions extends ServiceOptions {
  /** Verify and report; open nothing, play nothing. Default: false. */
  readonly watchOnly?: boolean;
}
