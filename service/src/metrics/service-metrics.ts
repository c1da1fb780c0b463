import type { TransactionEvent } from "@surety/chain";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

export { Counter, Gauge, Histogram } from "prom-client";

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
      help: "Transactions sent, sent again and mined, by call.",
      labelNames: ["what", "event"] as const,
      registers,
    }),
    gasUsed: new Counter({ name: `${prefix}_gas_total`, help: "Gas used by own transactions.", registers }),
    errors: new Counter({
      name: `${prefix}_errors_total`,
      help: "Errors, by code.",
      labelNames: ["code"] as const,
      registers,
    }),
  };
}

/** Counts what the transaction manager reports. */
export function countTransaction(
  { transactions, gasUsed }: Pick<ServiceMetrics, "transactions" | "gasUsed">,
  event: TransactionEvent,
): void {
  transactions.inc({ what: event.what, event: event.type });
  if (event.type === "mined") gasUsed.inc(Number(event.gasUsed));
}
