import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../log/logger.ts";
import { reasonOf } from "../log/reason.ts";
import type { ServiceMetrics } from "../metrics/service-metrics.ts";

/** `critical`: money is at stake until somebody does something. */
export type Severity = "info" | "warning" | "critical";

/** What a webhook gets, as JSON. */
export interface Alert {
  /** Of this alert: the same when it is sent again. */
  readonly id: string;
  /** `oracle-node` or `challenger`. */
  readonly service: string;
  /** What happened, for programs: `balance-low`. docs/operating.md lists them. */
  readonly event: string;
  readonly severity: Severity;
  /** For people. */
  readonly text: string;
  /** Ids and amounts, as text. */
  readonly facts: Readonly<Record<string, string>>;
  /** Of the event, Unix seconds of this machine. */
  readonly at: number;
}

export interface Webhook {
  readonly url: string;
  /** Signs every body. */
  readonly secret: string;
}

export interface Alerts {
  /**
   * Tells the webhook, in the background: returns at once and never throws. Nothing without a webhook.
   *
   * @param key What is told once in a quarter of an hour only. Default: the event and its facts.
   */
  raise(
    event: string,
    severity: Severity,
    text: string,
    facts?: Readonly<Record<string, unknown>>,
    key?: string,
  ): void;
  /** Waits until everything is told, so long at most, and ends. */
  close(patienceMs?: number): Promise<void>;
}

export interface CreateAlertsParameters {
  readonly service: string;
  readonly webhook: Webhook | undefined;
  readonly log: Logger;
  readonly metrics: Pick<ServiceMetrics, "alerts">;
  /** Wait before the second try; doubled after each. Default: 1,000. */
  readonly firstWaitMs?: number;
}

const REPEAT_MS = 900_000;
const TIMEOUT_MS = 10_000;
const ATTEMPTS = 12;
const LONGEST_WAIT_MS = 60_000;
/** Alerts that wait; beyond, the oldest are dropped: a webhook that is away must not fill the memory. */
const MOST_WAITING = 500;

/** Alerts to one webhook, in order, each until it is taken or given up. */
export function createAlerts(parameters: CreateAlertsParameters): Alerts {
  const { service, webhook, log, metrics, firstWaitMs = 1_000 } = parameters;
  const waiting: Alert[] = [];
  const toldAt = new Map<string, number>();
  const ending = new AbortController();
  let sending: Promise<void> | undefined;

  async function sendAll(to: Webhook): Promise<void> {
    for (let alert = waiting[0]; alert !== undefined; alert = waiting[0]) {
      const result = await deliver(to, alert);
      if (ending.signal.aborted) return;
      metrics.alerts.inc({ result });
      if (waiting[0] === alert) waiting.shift();
    }
  }

  async function deliver(to: Webhook, alert: Alert): Promise<"sent" | "failed"> {
    let waitMs = firstWaitMs;
    for (let attempt = 1; ; attempt++) {
      const failure = await post(to, alert, ending.signal);
      if (failure === undefined) return "sent";
      if (ending.signal.aborted) return "failed";
      const isLast = failure.isFinal || attempt === ATTEMPTS;
      log.warn(
        { event: alert.event, attempt, why: failure.why, isLast },
        "the webhook did not take an alert",
      );
      if (isLast) return "failed";
      await sleep(waitMs, undefined, { signal: ending.signal }).catch(() => {});
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
  }

  return {
    raise(event, severity, text, facts = {}, key) {
      if (webhook === undefined || ending.signal.aborted) return;
      const shown = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)]));
      const once = key ?? `${event} ${JSON.stringify(shown)}`;
      const now = performance.now();
      for (const [known, at] of toldAt) if (now - at > REPEAT_MS) toldAt.delete(known);
      if (toldAt.has(once)) return;
      toldAt.set(once, now);
      if (waiting.length >= MOST_WAITING) {
        waiting.splice(1, 1);
        metrics.alerts.inc({ result: "dropped" });
      }
      const at = Math.floor(Date.now() / 1_000);
      waiting.push({ id: randomUUID(), service, event, severity, text, facts: shown, at });
      sending ??= sendAll(webhook).finally(() => {
        sending = undefined;
      });
    },
    async close(patienceMs = 3_000) {
      const patience = sleep(patienceMs, undefined, { ref: false });
      await Promise.race([sending, patience]);
      ending.abort();
    },
  };
}

/** @returns What went wrong; undefined when the webhook has taken it. */
async function post(
  { url, secret }: Webhook,
  alert: Alert,
  signal: AbortSignal,
): Promise<{ readonly why: string; readonly isFinal: boolean } | undefined> {
  const body = JSON.stringify(alert);
  const time = Math.floor(Date.now() / 1_000);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-surety-signature": `t=${time},v1=${signature(secret, time, body)}`,
      },
      body,
      // A signed alert goes to the host that was named and to no other.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return undefined;
    const { status } = response;
    // What it refuses now it refuses again; a limit, a time-out and its own faults pass.
    const isFinal = status >= 300 && status < 500 && status !== 408 && status !== 425 && status !== 429;
    return { why: `status ${status}`, isFinal };
  } catch (error) {
    // The URL, which may hold a key, stands in no message of fetch's.
    return { why: reasonOf(error), isFinal: false };
  }
}

/** HMAC-SHA256, hexadecimal, of the time and the body: who replays an old alert is found out by the time. */
export function signature(secret: string, time: number, body: string): string {
  return createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
}
