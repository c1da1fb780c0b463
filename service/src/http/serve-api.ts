import { FatalError } from "@surety/protocol";
import { type FastifyBaseLogger, fastify, LogController } from "fastify";
import type { Logger } from "pino";
import type { Metrics } from "../metrics/metrics.ts";

export interface ApiParameters {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Name of each check and whether it is good now. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
  /** Brings the gauges up to date before they are read. */
  readonly refreshMetrics: () => Promise<void>;
  /** The body of /v1/status, JSON-safe. */
  readonly status: () => Promise<object>;
}

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The node's read-only HTTP API: /health/live, /health/ready, /metrics, /v1/status.
 *
 * @throws FatalError PORT_IN_USE
 */
export async function serveApi(parameters: ApiParameters): Promise<Api> {
  const { host, port, logger, metrics, readiness, refreshMetrics, status } = parameters;
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.get("/health/live", () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => {
    const checks = await readiness();
    const ready = Object.values(checks).every(Boolean);
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not ready", checks });
  });
  app.get("/metrics", async (_request, reply) => {
    await refreshMetrics();
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  app.get("/v1/status", () => status());
  try {
    return { url: await app.listen({ host, port }), close: () => app.close() };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new FatalError("PORT_IN_USE", `Port ${port} of ${host} is in use. Give another --port.`, { cause });
  }
}
