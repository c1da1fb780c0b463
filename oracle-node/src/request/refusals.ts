import type { RequestId } from "@surety/protocol";
import type { Logger } from "@surety/service";
import type { Metrics } from "../metrics/metrics.ts";

/** Why a request is not answered that this node should answer. */
export type RefusalReason =
  /** By what was measured it cannot be computed and posted before its deadline, after the requests with nearer ones. */
  | "not-in-time"
  /** It waited in the queue until it could not be posted any more. */
  | "waited-too-long";

/** Says once of each request that it is refused, in the log and in the metrics. */
export interface Refusals {
  refuse(requestId: RequestId, reason: RefusalReason, deadline: number): void;
  /** Forgets all but these. */
  keep(requestIds: readonly RequestId[]): void;
}

export function createRefusals(log: Logger, metrics: Metrics): Refusals {
  const refused = new Set<RequestId>();
  return {
    refuse(requestId, reason, deadline) {
      if (refused.has(requestId)) return;
      refused.add(requestId);
      metrics.refused.inc({ reason });
      log.warn({ requestId: String(requestId), reason, deadline }, "request refused");
    },
    keep(requestIds) {
      const open = new Set(requestIds);
      for (const requestId of refused) if (!open.has(requestId)) refused.delete(requestId);
    },
  };
}
