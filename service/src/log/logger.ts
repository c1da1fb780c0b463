import { type Logger, pino } from "pino";

/** JSON lines on standard error: standard output carries the ready line alone. Secrets are cut out wherever they turn up. */
export function createLogger(level: string): Logger {
  return pino(
    {
      name: "oracle-node",
      level,
      redact: {
        paths: [
          "key",
          "privateKey",
          "*.key",
          "*.privateKey",
          "authorization",
          "*.authorization",
          "rpcUrl",
          "*.rpcUrl",
        ],
        censor: "[redacted]",
      },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}
