import { FatalError } from "@surety/protocol";
import { type FastifyBaseLogger, fastify, LogController } from "fastify";
import type { Registry } from "prom-client";
import type { Logger } from "../log/logger.ts";

export interface ApiParameters {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Logger;
  readonly registry: Registry;
  /** Name of each check and whether it is good now. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
  /** Brings the gauges up to date before they are read. */
  readonly refreshMetrics?: () => Promise<void>;
  /** The service's own: path, and what gives its body, JSON-safe. */
  readonly routes: Readonly<Record<`/v1/${string}`, () => object | Promise<object>>>;
}

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A service's read-only HTTP API: /health/live, /health/ready, /metrics and its own routes.
 *
 * @throws FatalError PORT_IN_USE
 */
export async function serveApi(parameters: ApiParameters): Promise<Api> {
  const { host, port, log, registry, readiness, refreshMetrics, routes } = parameters;
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.get("/health/live", () => ({ status: "live", live: true }));
  app.get("/health/ready", async (_request, reply) => {
    const checks = await readiness();
    const failing = Object.keys(checks).filter((name) => checks[name] !== true);
    if (failing.length === 0) return { status: "ready", ready: true, checks };
    const why = `not in order: ${failing.join(", ")}`;
    return reply.code(503).send({ status: "not ready", ready: false, why, checks });
  });
  app.get("/metrics", async (_request, reply) => {
    await refreshMetrics?.();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  for (const [path, body] of Object.entries(routes)) app.get(path, () => body());
  try {
    return { url: await app.listen({ host, port }), close: () => app.close() };
  } catch (cause) {
    await app.close();
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new FatalError("PORT_IN_USE", `Port ${port} of ${host} is in use. Give another --port.`, { cause });
  }
}

/** Whether a call comes back without an error: for readiness checks. */
export async function settles(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}
