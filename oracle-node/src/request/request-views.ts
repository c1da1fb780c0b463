import {
  type Chain,
  type ChainEvent,
  type RequestView,
  requestOf,
  type SuretyAddresses,
} from "@surety/chain";
import { parseRequestId, type RequestId } from "@surety/protocol";

/** The chain's state of open requests, read again only after an event touched them. */
export interface RequestViews {
  get(requestId: RequestId): Promise<RequestView>;
  /** Forgets what an event of the stream made stale. */
  apply(event: ChainEvent): void;
}

export function createRequestViews(chain: Chain, addresses: SuretyAddresses): RequestViews {
  const views = new Map<RequestId, RequestView>();
  return {
    async get(requestId) {
      const view = views.get(requestId) ?? (await requestOf(chain, addresses, requestId));
      views.set(requestId, view);
      return view;
    },
    apply(event) {
      if (event.type === "reorg") views.clear();
      if (event.type !== "block") return;
      for (const { args } of event.logs) {
        if ("requestId" in args) views.delete(parseRequestId(args.requestId));
      }
    },
  };
}
