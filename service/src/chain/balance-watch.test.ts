import { openChain } from "@surety/chain";
import { devAccount, startAnvil, testClient } from "@surety/chain/testing";
import { expect, it } from "vitest";
import type { Alerts } from "../alerts/alerts.ts";
import { createLogger } from "../log/logger.ts";
import { createServiceMetrics } from "../metrics/service-metrics.ts";
import { until } from "../testing/until.ts";
import { balanceState, watchBalance } from "./balance-watch.ts";

it("watchBalance says once when the balance becomes low, worse, and good again", async () => {
  const anvil = await startAnvil();
  try {
    const chain = await openChain({ rpcUrl: anvil.url, pollMs: 20 });
    const account = devAccount(1).address;
    const raised: string[] = [];
    const alerts: Alerts = {
      raise: (event, severity) => void raised.push(`${event} ${severity}`),
      close: async () => {},
    };
    const lines: string[] = [];
    const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
    const metrics = createServiceMetrics("surety_test");
    const watch = watchBalance({ chain, account, log, metrics, alerts, everyMs: 20 });
    const seen = async (wei: number) => (await metrics.balanceWei.get()).values[0]?.value === wei;
    const set = async (value: bigint) => {
      await testClient(anvil.url).setBalance({ address: account, value });
      await until(`a balance of ${value} seen`, () => seen(Number(value)));
    };
    await set(10n ** 21n);
    const { maxFeePerGas } = await chain.client.estimateFeesPerGas();
    await set(20_000_000n * maxFeePerGas);
    await set(19_000_000n * maxFeePerGas);
    expect((await metrics.balanceLow.get()).values[0]?.value).toBe(1);
    await set(1_000n);
    await set(10n ** 21n);
    watch.close();
    expect(raised).toEqual(["balance-low warning", "balance-low critical", "balance-good info"]);
    expect(lines).toHaveLength(3);
  } finally {
    await anvil.stop();
  }
});

it("balanceState is critical at nothing, whatever gas costs", () => {
  expect([balanceState(0n, 0n), balanceState(1n, 0n)]).toEqual(["critical", "good"]);
});
