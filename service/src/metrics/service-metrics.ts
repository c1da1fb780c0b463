import type { EndpointEvent, TransactionEvent } from "@surety/chain";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

export { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type ServiceMetrics = ReturnType<typeof createServiceMetrics>;

/**
 * What every service counts, in one registry of its own; the service adds its own to `registers`.
 *
 * @param prefix Of all names: `surety_node`.
 */
export function createServiceMetrics(prefix: string) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    registers,
    headBlock: new Gauge({ name: `${prefix}_head_block`, help: "Last block taken in.", registers }),
    reorgs: new Counter({ name: `${prefix}_reorgs_total`, help: "Reorganisations undone.", registers }),
    transactions: new Counter({
      name: `${prefix}_transactions_total`,
      help: "Transactions sent, resubmitted, dropped by the network, stuck at the fee cap (capped) and mined, by call.",
      labelNames: ["what", "event"] as const,
      registers,
    }),
    gasUsed: new Counter({ name: `${prefix}_gas_total`, help: "Gas used by own transactions.", registers }),
    rpcInOrder: new Gauge({
      name: `${prefix}_rpc_in_order`,
      help: "1 while an RPC endpoint is asked, 0 while it is left out.",
      labelNames: ["endpoint"] as const,
      registers,
    }),
    rpcDropped: new Counter({
      name: `${prefix}_rpc_dropped_total`,
      help: "How often an RPC endpoint was left out, by why.",
      labelNames: ["endpoint", "fault"] as const,
      registers,
    }),
    headAgeSeconds: new Gauge({
      name: `${prefix}_head_age_seconds`,
      help: "Since the chain's head last moved.",
      registers,
    }),
    balanceWei: new Gauge({
      name: `${prefix}_balance_wei`,
      help: "The account's balance: gas and bonds come from it.",
      registers,
    }),
    balanceLow: new Gauge({
      name: `${prefix}_balance_low`,
      help: "1 while the balance does not pay 50 million gas at present fees.",
      registers,
    }),
    alerts: new Counter({
      name: `${prefix}_alerts_total`,
      help: "Alerts sent to the webhook, failed (refused or given up) and dropped (too many waited).",
      labelNames: ["result"] as const,
      registers,
    }),
    errors: new Counter({
      name: `${prefix}_errors_total`,
      help: "Errors, by code.",
      labelNames: ["code"] as const,
      registers,
    }),
  };
}

/** Counts what becomes of an RPC endpoint. */
export function countEndpoint(
  { rpcInOrder, rpcDropped }: Pick<ServiceMetrics, "rpcInOrder" | "rpcDropped">,
  event: EndpointEvent,
): void {
  rpcInOrder.set({ endpoint: event.endpoint }, event.type === "dropped" ? 0 : 1);
  if (event.type === "dropped") rpcDropped.inc({ endpoint: event.endpoint, fault: event.fault });
}

/** Counts what the transaction manager reports. */
export function countTransaction(
  { transactions, gasUsed }: Pick<ServiceMetrics, "transactions" | "gasUsed">,
  event: TransactionEvent,
): void {
  transactions.inc({ what: event.what, event: event.type });
  if (event.type === "mined") gasUsed.inc(Number(event.gasUsed));
}
