import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import type { Metrics } from "../metrics/metrics.ts";
import type { GameSeen } from "../store/store.ts";

export interface ApiParameters {
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  /** The own games, ended ones too. */
  readonly games: () => readonly GameSeen[];
  /** Why the service is not ready; undefined when it is. */
  readonly notReady: () => string | undefined;
}

/** The HTTP side: health, metrics, games. Read only. */
export function createApi({ log, metrics, games, notReady }: ApiParameters): FastifyInstance {
  const api = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
  });
  api.get("/health/live", () => ({ live: true }));
  api.get("/health/ready", (_request, reply) => {
    const why = notReady();
    return why === undefined ? { ready: true } : reply.code(503).send({ ready: false, why });
  });
  api.get("/metrics", async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  api.get("/v1/games", () => ({
    games: games().map(({ gameId, assertionId, outcome, paidWei }) => ({
      gameId: String(gameId),
      assertionId: String(assertionId),
      outcome: outcome ?? "live",
      paidWei: paidWei === undefined ? null : String(paidWei),
    })),
  }));
  return api;
}
