import { type RequestId, RetryableError } from "@surety/protocol";
import { deliverOwed } from "@surety/service";
import type { RequestViews } from "../request/request-views.ts";
import type { FinaliseContext } from "./finalise.ts";

/** A consumer that fails costs the gas of its callback each time: so often it is tried, then left to whoever wants it. */
const ATTEMPTS = 2;
const AGAIN_AFTER_MS = 600_000;

interface Owed {
  attempts: number;
  notBefore: number;
}

/** Delivers again what the consumers of own answers missed: callbacks that failed, and revocations that stood before them. */
export interface Deliveries {
  /** Whose request an own answer stands for, while it is open and for a while after it is final. */
  watch(requestId: RequestId): void;
  /** What is to be delivered now. */
  due(): Promise<RequestId[]>;
  /** @throws RetryableError DELIVERY_REFUSED when the consumer failed again */
  deliver(requestId: RequestId): Promise<"nothing" | "revoked" | "delivered">;
}

export interface DeliveriesContext extends FinaliseContext {
  readonly views: RequestViews;
}

export function createDeliveries(
  context: DeliveriesContext,
  now: () => number = () => performance.now(),
): Deliveries {
  const { chain, addresses, transactions, store, views } = context;
  const watched = new Map<RequestId, Owed>();
  return {
    watch(requestId) {
      if (!watched.has(requestId)) watched.set(requestId, { attempts: 0, notBefore: 0 });
    },
    async due() {
      const found: RequestId[] = [];
      for (const [requestId, owed] of watched) {
        const { view } = await views.get(requestId);
        const isDue = view.revocationDue || view.callbackOwed;
        const isOver = view.status === "final" || view.status === "refunded";
        if ((isOver && !isDue) || view.delivery === "pull" || owed.attempts >= ATTEMPTS) {
          watched.delete(requestId);
        } else if (isDue && now() >= owed.notBefore) found.push(requestId);
      }
      return found;
    },
    async deliver(requestId) {
      const owed = watched.get(requestId);
      if (owed === undefined) return "nothing";
      owed.attempts += 1;
      owed.notBefore = now() + AGAIN_AFTER_MS;
      const request = store.requestOf(requestId);
      const output = request === undefined ? undefined : store.answerTo(request)?.output;
      const send = transactions.send;
      const did = await deliverOwed({ chain, addresses, send, requestId, output });
      if (did !== "refused") return did;
      throw new RetryableError(
        "DELIVERY_REFUSED",
        `The consumer of request ${requestId} failed when it was called back again. Anyone may retry with more gas.`,
      );
    },
  };
}
