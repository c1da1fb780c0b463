import { type Chain, feeMarket } from "@surety/chain";
import { type Address, formatEther } from "viem";
import type { Alerts } from "../alerts/alerts.ts";
import type { Logger } from "../log/logger.ts";
import { reasonOf } from "../log/reason.ts";
import type { ServiceMetrics } from "../metrics/service-metrics.ts";

/** Gas of a dispute's poster side, rounded up; and of what keeps a service going for some weeks. */
export const LEAST_GAS = 5_000_000n;
export const EASY_GAS = 50_000_000n;

export type BalanceState = "good" | "low" | "critical";

/** How far an account's money reaches at what the chain asks for gas now. */
export function balanceState(balanceWei: bigint, maxFeePerGas: bigint): BalanceState {
  if (balanceWei === 0n || balanceWei < LEAST_GAS * maxFeePerGas) return "critical";
  return balanceWei < EASY_GAS * maxFeePerGas ? "low" : "good";
}

export interface WatchBalanceParameters {
  readonly chain: Chain;
  readonly account: Address;
  readonly log: Logger;
  readonly metrics: Pick<ServiceMetrics, "balanceWei" | "balanceLow">;
  readonly alerts: Alerts;
  /** Default: 30,000. */
  readonly everyMs?: number;
}

/** Looks at the account's balance now and then: gauges, a line in the log and an alert when it becomes low, another when it is good again. */
export function watchBalance(parameters: WatchBalanceParameters): { close(): void } {
  const { chain, account, log, metrics, alerts, everyMs = 30_000 } = parameters;
  let was: BalanceState = "good";
  let looking = false;

  async function look(): Promise<void> {
    const [balanceWei, { fees }] = await Promise.all([
      chain.client.getBalance({ address: account }),
      feeMarket(chain),
    ]);
    const state = balanceState(balanceWei, fees.maxFeePerGas);
    metrics.balanceWei.set(Number(balanceWei));
    metrics.balanceLow.set(state === "good" ? 0 : 1);
    if (state === was) return;
    was = state;
    const facts = { account, balanceWei: String(balanceWei), maxFeePerGasWei: String(fees.maxFeePerGas) };
    if (state === "good") {
      log.info(facts, "the balance is good again");
      alerts.raise("balance-good", "info", `${account} has ${formatEther(balanceWei)} again.`, facts);
      return;
    }
    const text = `${account} has ${formatEther(balanceWei)} left: fund it, for a dispute that cannot be paid for is lost.`;
    log[state === "critical" ? "error" : "warn"](facts, "the balance is low");
    alerts.raise("balance-low", state === "critical" ? "critical" : "warning", text, facts);
  }

  const tick = () => {
    if (looking) return;
    looking = true;
    look()
      // The RPC is looked after elsewhere; the next look comes soon.
      .catch((error: unknown) => log.debug({ reason: reasonOf(error) }, "cannot look at the balance"))
      .finally(() => {
        looking = false;
      });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
