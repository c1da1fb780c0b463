import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger } from "pino";

/** Names under which a secret may turn up. */
const SECRETS = [
  "key",
  "privateKey",
  "password",
  "apiToken",
  "webhook",
  "secret",
  "authorization",
  "rpcUrl",
  "rpcUrls",
  "signerUrl",
  "queueUrl",
];

/**
 * JSON lines on standard error: standard output carries the ready line alone. Secrets are cut out wherever they turn up.
 *
 * @param name Of the service, in every line.
 */
export function createLogger(
  name: string,
  level = "info",
  destination: DestinationStream = pino.destination({ dest: 2, sync: false }),
): Logger {
  const redact = { paths: SECRETS.flatMap((secret) => [secret, `*.${secret}`]), censor: "[redacted]" };
  return pino({ name, level, redact }, destination);
}
