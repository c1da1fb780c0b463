import {
  assigneeOf,
  type Chain,
  type ChainEvent,
  type RequestView,
  requestOf,
  type SuretyAddresses,
} from "@surety/chain";
import { parseRequestId, type RequestId } from "@surety/protocol";
import type { Address } from "viem";

export interface KnownRequest {
  readonly view: RequestView;
  /** Who has the exclusive right to answer; undefined when nobody has. */
  readonly assignee: Address | undefined;
}

/** The chain's state of open requests, read again only after an event touched them. */
export interface RequestViews {
  get(requestId: RequestId): Promise<KnownRequest>;
  /** Forgets what an event of the stream made stale. */
  apply(event: ChainEvent): void;
}

export function createRequestViews(chain: Chain, addresses: SuretyAddresses): RequestViews {
  const known = new Map<RequestId, KnownRequest>();
  return {
    async get(requestId) {
      const found = known.get(requestId);
      if (found !== undefined) return found;
      const view = await requestOf(chain, addresses, requestId);
      const assignee = view.status === "open" ? await assigneeOf(chain, addresses, requestId) : undefined;
      known.set(requestId, { view, assignee });
      return { view, assignee };
    },
    apply(event) {
      if (event.type === "reorg") known.clear();
      if (event.type !== "block") return;
      for (const { args, contract } of event.logs) {
        // Who is drawn may have left, been jailed, or have no bond free any more.
        if (contract === "operators") known.clear();
        if ("requestId" in args) known.delete(parseRequestId(args.requestId));
      }
    },
  };
}
