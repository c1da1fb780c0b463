import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "../log/logger.ts";
import { createServiceMetrics } from "../metrics/service-metrics.ts";
import { until } from "../testing/until.ts";
import { type Alert, createAlerts, signature } from "./alerts.ts";

const secret = "a secret of thirty-two characters";
let server: Server;
let url: string;
/** Statuses to answer with, then 200; 0 breaks the connection off. */
let statuses: number[];
let taken: { readonly alert: Alert; readonly signed: string; readonly body: string }[];
let asked: number;

beforeEach(async () => {
  [statuses, taken, asked] = [[], [], 0];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      asked++;
      const status = statuses.shift() ?? 200;
      if (status === 0) return request.socket.destroy();
      const signed = String(request.headers["x-surety-signature"]);
      if (status === 200) taken.push({ alert: JSON.parse(body) as Alert, signed, body });
      response.writeHead(status, status === 302 ? { location: url } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/KEY`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function alerts(webhook: { url: string; secret: string } | undefined = { url, secret }) {
  const lines: string[] = [];
  const log = createLogger("challenger", "debug", { write: (line) => void lines.push(line) });
  const metrics = createServiceMetrics("surety_test");
  const made = createAlerts({ service: "challenger", webhook, log, metrics, firstWaitMs: 20 });
  return { ...made, lines, count: async () => (await metrics.alerts.get()).values };
}

describe("createAlerts", () => {
  it("sends what happened, signed so that the receiver can tell whose it is and when", async () => {
    const { raise, close } = alerts();
    raise("balance-low", "critical", "Fund it.", { balanceWei: 5n });
    await until("taken", async () => taken.length === 1);
    const [{ alert, signed, body } = { alert: {}, signed: "", body: "" }] = taken;
    expect(alert).toMatchObject({
      ...{ service: "challenger", event: "balance-low", severity: "critical", text: "Fund it." },
      facts: { balanceWei: "5" },
    });
    const [, time, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signed) ?? [];
    expect(given).toBe(signature(secret, Number(time), body));
    expect(given).not.toBe(signature(`${secret}x`, Number(time), body));
    await close();
  });

  it("tries again with the same id until the webhook takes it, in order", async () => {
    statuses = [503, 0, 429];
    const { raise, close, count, lines } = alerts();
    raise("first", "info", "1");
    raise("second", "info", "2");
    await until("both taken", async () => taken.length === 2);
    expect(asked).toBe(5);
    expect(taken.map(({ alert }) => alert.event)).toEqual(["first", "second"]);
    await close();
    expect(await count()).toMatchObject([{ labels: { result: "sent" }, value: 2 }]);
    expect(lines.join("")).not.toMatch(/KEY|a secret of/);
  });

  it("gives up what is refused for good, and follows no redirection", async () => {
    statuses = [400, 302];
    const { raise, close } = alerts();
    raise("refused", "info", "1");
    raise("sent elsewhere", "info", "2");
    raise("taken", "info", "3");
    await until("the third taken", async () => taken.length === 1);
    expect(asked).toBe(3);
    expect(taken[0]?.alert.event).toBe("taken");
    await close();
  });

  it("tells the same thing once, another of its kind too", async () => {
    const { raise, close } = alerts();
    for (let i = 0; i < 3; i++) raise("wrong-answer", "warning", "", { assertionId: 1n });
    raise("wrong-answer", "warning", "", { assertionId: 2n });
    for (let i = 0; i < 3; i++) raise("balance-low", "warning", "", { balanceWei: i }, "balance-low");
    await until("three taken", async () => taken.length === 3);
    await close();
    expect(taken.map(({ alert }) => alert.facts.assertionId)).toEqual(["1", "2", undefined]);
  });

  it("never holds anybody up: a webhook that is away costs no time and little memory", async () => {
    const { raise, close, count } = alerts({ url: "http://127.0.0.1:9", secret });
    const startedAt = performance.now();
    for (let i = 0; i < 600; i++) raise("event", "info", "", { i });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await close(50);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await count()).toMatchObject([{ labels: { result: "dropped" }, value: 100 }]);
    raise("after the end", "info", "");
  });

  it("does nothing without a webhook", async () => {
    const { raise, close } = createAlerts({
      ...{ service: "challenger", webhook: undefined, log: createLogger("x", "silent") },
      metrics: createServiceMetrics("surety_test"),
    });
    raise("event", "info", "");
    await close();
    expect(asked).toBe(0);
  });
});
