import {
  assigneeOf,
  type Chain,
  type ChainEvent,
  type RequestView,
  requestOf,
  type SuretyAddresses,
} from "@surety/chain";
import { parseRequestId, type RequestId } from "@surety/protocol";
import { type Address, isAddressEqual } from "viem";

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

export function createRequestViews(
  chain: Chain,
  addresses: SuretyAddresses,
  operator: Address,
): RequestViews {
  const known = new Map<RequestId, KnownRequest>();

  /** Who is drawn may have left, been jailed, or have no bond free any more. */
  function forgetDraws(isOwnBond: boolean): void {
    for (const [requestId, { view, assignee }] of known) {
      // What is this node's turn stays so while its bonds come and go: if none is free, the post says so.
      const isOwn = assignee !== undefined && isAddressEqual(assignee, operator);
      if (view.status === "open" && !(isOwnBond && isOwn)) known.delete(requestId);
    }
  }
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
      for (const log of event.logs) {
        const { args, contract } = log;
        if (contract === "operators") {
          const isBond = log.eventName === "Locked" || log.eventName === "Unlocked";
          forgetDraws(isBond && isAddressEqual(log.args.operator, operator));
        }
        if ("requestId" in args) known.delete(parseRequestId(args.requestId));
      }
    },
  };
}
