import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import { FatalError } from "@surety/protocol";
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from "fastify";
import { Gauge, type Registry } from "prom-client";
import type { Logger } from "../log/logger.ts";
import { API_PAGE_POLICY, type ApiDescription, apiPage } from "./api-page.ts";
import { checkBearer } from "./bearer.ts";
import { addFileRoutes, type FileRoute } from "./file-route.ts";

/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** What can be read. */
export interface ReadRoute {
  /** For the API's description, in one line. */
  readonly summary: string;
  /** Of the body. */
  readonly response: Schema;
  /** Gives the body, JSON-safe. */
  readonly read: () => object | Promise<object>;
}

/** What changes the service's state: for holders of the token. */
export interface ActRoute {
  readonly method: "POST" | "DELETE";
  readonly summary: string;
  /** Of the request's body; without one it takes none. */
  readonly request?: Schema;
  readonly response: Schema;
  readonly act: (body: Readonly<Record<string, unknown>>) => object | Promise<object>;
}

export interface ApiParameters {
  /** Of the service, for the API's description. */
  readonly title: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Logger;
  readonly registry: Registry;
  /** Whoever changes something must carry it; without one nobody may. */
  readonly token?: string | undefined;
  /** Requests a minute from one address, beyond health and metrics. Default: 600. */
  readonly requestsPerMinute?: number | undefined;
  /** Name of each check and whether it is good now. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
  /** Brings the gauges up to date before they are read. */
  readonly refreshMetrics?: () => Promise<void>;
  /** The service's own, by path. */
  readonly routes: Readonly<Record<`/v1/${string}`, ReadRoute | readonly (ReadRoute | ActRoute)[]>>;
  /** Files that anyone may have. Default: none. */
  readonly files?: readonly FileRoute[];
}

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

const MOST_BODY_BYTES = 16_384;
const ERROR: Schema = {
  type: "object",
  properties: { error: { type: "string" }, message: { type: "string" } },
  required: ["error", "message"],
};
const CHECKS: Schema = {
  type: "object",
  properties: {
    status: { type: "string" },
    ready: { type: "boolean" },
    why: { type: "string" },
    checks: { type: "object", additionalProperties: { type: "boolean" } },
  },
};

/**
 * A service's HTTP API: `/health/live`, `/health/ready`, `/metrics`, `/openapi.json` and `/docs`, which describe it, and its own routes.
 *
 * @throws FatalError PORT_IN_USE
 */
export async function serveApi(parameters: ApiParameters): Promise<Api> {
  const { host, port, log, requestsPerMinute = 600 } = parameters;
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MOST_BODY_BYTES,
    // Who takes a file slowly must not hold up the end of the service.
    forceCloseConnections: true,
    // Ids may be given, so that a request can be followed through several programs.
    requestIdHeader: "x-request-id",
  });
  app.setErrorHandler((error: { statusCode?: number; code?: string; message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ code: error.code, reason: error.message }, "request failed");
    const message = status >= 500 ? "The service could not answer." : error.message;
    void reply.code(status).send({ error: error.code ?? "FAILED", message });
  });
  app.addHook("onSend", async (request, reply) => void reply.header("x-request-id", request.id));
  await app.register(swagger, {
    openapi: {
      info: { title: parameters.title, version: "1" },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    },
  });
  await app.register(rateLimit, { global: true, max: requestsPerMinute, timeWindow: "1 minute" });
  await app.register(async (scope) => addRoutes(scope, parameters));
  try {
    return { url: await app.listen({ host, port }), close: () => app.close() };
  } catch (cause) {
    await app.close();
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new FatalError("PORT_IN_USE", `Port ${port} of ${host} is in use. Give another --port.`, { cause });
  }
}

function addRoutes(app: FastifyInstance, parameters: ApiParameters): void {
  const { registry, readiness, refreshMetrics, routes, token } = parameters;
  // A probe or a scrape is never turned away.
  const always = { config: { rateLimit: false } };
  const described = (summary: string, response: Schema) => ({
    schema: { summary, response: { 200: response } },
  });
  app.get(
    "/health/live",
    { ...always, ...described("The process runs.", { type: "object", additionalProperties: true }) },
    () => ({
      status: "live",
      live: true,
    }),
  );
  const ready = new Gauge({
    name: "surety_ready",
    help: "What /health/ready says, by check: 1 where it is in order.",
    labelNames: ["check"] as const,
    registers: [registry],
  });
  const readySchema = {
    summary: "Everything the service needs is in order.",
    response: { 200: CHECKS, 503: CHECKS },
  };
  app.get("/health/ready", { ...always, schema: readySchema }, async (_request, reply) => {
    const checks = await readiness();
    const failing = Object.keys(checks).filter((name) => checks[name] !== true);
    if (failing.length === 0) return { status: "ready", ready: true, checks };
    const why = `not in order: ${failing.join(", ")}`;
    return reply.code(503).send({ status: "not ready", ready: false, why, checks });
  });
  app.get(
    "/metrics",
    { ...always, schema: { summary: "For Prometheus.", produces: ["text/plain"] } },
    async (_request, reply) => {
      await refreshMetrics?.();
      for (const [check, good] of Object.entries(await readiness())) ready.set({ check }, good ? 1 : 0);
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
  addFileRoutes(app, parameters.files ?? []);
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  app.get("/docs", { schema: { hide: true } }, (_request, reply) =>
    reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", API_PAGE_POLICY)
      .header("x-content-type-options", "nosniff")
      .send(apiPage(app.swagger() as ApiDescription)),
  );

  const requireToken = async (request: FastifyRequest, reply: FastifyReply) => {
    const bearer = checkBearer(request.headers.authorization, token);
    if (bearer === "right") return;
    const message = {
      missing: "Send the API's token: Authorization: Bearer ...",
      wrong: "This is not the API's token.",
      "no-token-here": "Nothing can be changed here: the service was started without --api-token-file.",
    }[bearer];
    request.log.warn({ url: request.url, from: request.ip }, "request refused");
    await reply.code(bearer === "no-token-here" ? 403 : 401).send({ error: "TOKEN_REQUIRED", message });
  };
  for (const [url, given] of Object.entries(routes)) {
    for (const route of Array.isArray(given) ? given : [given as ReadRoute]) {
      const { summary, response } = route;
      if ("read" in route) {
        app.get(url, described(summary, response), () => route.read());
        continue;
      }
      const { method, request, act } = route;
      const schema = {
        ...{ summary, security: [{ token: [] }] },
        ...(request === undefined ? {} : { body: request }),
        response: { 200: response, 401: ERROR, 403: ERROR },
      };
      app.route({
        ...{ method, url, schema, onRequest: requireToken },
        handler: ({ body }) => act((body ?? {}) as Readonly<Record<string, unknown>>),
      });
    }
  }
}

/** Whether a call comes back without an error: for readiness checks. */
export async function settles(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}
