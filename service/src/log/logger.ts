import { type DestinationStream, type Logger, pino } from "pino";
import { scrub } from "./scrub.ts";

export type { Logger } from "pino";

/** Names under which a secret may turn up. */
const SECRETS = [
  "key",
  "privateKey",
  "password",
  "apiToken",
  "token",
  "secret",
  "mnemonic",
  "webhook",
  "secret",
  "authorization",
  "rpcUrl",
  "rpcUrls",
  "signerUrl",
  "queueUrl",
];

/**
 * JSON lines on standard error: standard output carries the ready line alone. Secrets are cut out: by their names, and whatever stands in a URL behind its host, in any
 * text.
 *
 * @param name Of the service, in every line.
 */
export function createLogger(
  name: string,
  level = "info",
  destination: DestinationStream = pino.destination({ dest: 2, sync: false }),
): Logger {
  const paths = SECRETS.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]);
  const hooks = { streamWrite: scrub };
  return pino({ name, level, hooks, redact: { paths, censor: "[redacted]" } }, destination);
}
