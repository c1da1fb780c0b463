import type { Alerts, InFlight, InputSources, Logger } from "@surety/service";
import type { Address } from "viem";
import type { DisputeContext } from "../dispute/context.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Policy } from "../verify/policy.ts";

export interface RoomParameters extends DisputeContext {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly alerts: Alerts;
  readonly policy: Policy;
  /** Gas is reckoned at what the chain asks, up to this. */
  readonly maxFeePerGasCapWei: bigint;
  /** Verify and report, open nothing and play nothing. */
  readonly watchOnly: boolean;
  /** Attend as a staked watcher. */
  readonly attend: boolean;
  /** Tell consumers that took an answer which own games refuted. */
  readonly deliver: boolean;
  /** Whose right answers are defended when they do not answer themselves. */
  readonly defend: "all" | readonly Address[];
  /** False while this machine is not right by its self-test: nothing new is judged, disputed or attended to. */
  readonly isFit: () => boolean;
  /** Where the inputs of requests by reference are looked for. */
  readonly inputSources: InputSources;
}

/** What each part of the challenger works with. */
export interface Room extends RoomParameters {
  /** What runs in the background, by what it is about. */
  readonly jobs: InFlight;
  /** Counts and logs what failed; what is no error of the moment is told to the webhook. */
  failed(what: string, facts: object): (error: unknown) => void;
}
