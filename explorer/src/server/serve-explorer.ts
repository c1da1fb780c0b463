import { createReadStream } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import rateLimit from "@fastify/rate-limit";
import { FatalError } from "@surety/protocol";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import { type WatchNetworkParameters, watchNetwork } from "../data/network.ts";
import type { NetworkView } from "../data/views.ts";

export interface ExplorerParameters extends Omit<WatchNetworkParameters, "canAsk" | "onChange"> {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * Sends a drawn digit as a request, on a development chain. Default: the page has no drawing.
   *
   * @param pixels 28 x 28, 0 (paper) to 255 (ink), row-major
   * @returns the request's number
   */
  readonly ask?: (pixels: readonly number[]) => Promise<string>;
}

export interface Explorer {
  readonly url: string;
  close(): Promise<void>;
}

const PAGE = path.join(import.meta.dirname, "../page");
/** Preact and its hooks in one module. */
const PREACT = fileURLToPath(import.meta.resolve("htm/preact/standalone"));
/** Everything the page loads, by its path; nothing else is served. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "/": { file: path.join(PAGE, "index.html"), type: "text/html; charset=utf-8" },
  "/style.css": { file: path.join(PAGE, "style.css"), type: "text/css; charset=utf-8" },
  "/preact.js": { file: PREACT, type: "text/javascript; charset=utf-8" },
  ...Object.fromEntries(
    ["app", "dispute", "draw", "format", "models", "requests", "tree"].map((name) => [
      `/${name}.js`,
      { file: path.join(PAGE, `${name}.js`), type: "text/javascript; charset=utf-8" },
    ]),
  ),
};
const PIXELS = 28 * 28;
/** Of one address; a page that is open asks once a block. */
const REQUESTS_PER_MINUTE = 600;
/** Pages that are told of changes at a time. */
const MOST_LISTENERS = 200;

/**
 * Serves the explorer: the page, `/api/network` (a `NetworkView`), `/api/changes` (server-sent events, one whenever the view is another), and where
 * `ask` is given `POST /api/digit`.
 *
 * @throws FatalError PORT_IN_USE
 */
export async function serveExplorer(parameters: ExplorerParameters): Promise<Explorer> {
  const { host = "127.0.0.1", port, ask, ...network } = parameters;
  const listeners = new Set<FastifyReply>();
  const watched = watchNetwork({
    ...network,
    canAsk: ask !== undefined,
    onChange() {
      latest = undefined;
      for (const { raw } of listeners) raw.write("data: changed\n\n");
    },
  });
  let latest: Promise<NetworkView> | undefined;
  const app: FastifyInstance = fastify({ forceCloseConnections: true });
  await app.register(rateLimit, { global: true, max: REQUESTS_PER_MINUTE, timeWindow: "1 minute" });
  app.addHook("onSend", async (_request, reply) => {
    reply.header(
      "content-security-policy",
      "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    reply.header("x-content-type-options", "nosniff");
    reply.header("referrer-policy", "no-referrer");
    reply.header("cache-control", "no-cache");
  });
  for (const [url, { file, type }] of Object.entries(FILES)) {
    app.get(url, (_request, reply) => reply.type(type).send(createReadStream(file)));
  }
  app.get("/api/network", () => {
    latest ??= watched.view();
    return latest;
  });
  app.get("/api/changes", (request, reply) => {
    if (listeners.size >= MOST_LISTENERS) return reply.code(503).send({ error: "too many pages are open" });
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    reply.raw.write("data: hello\n\n");
    listeners.add(reply);
    request.raw.once("close", () => listeners.delete(reply));
  });
  if (ask) {
    const schema = {
      body: {
        type: "object",
        required: ["pixels"],
        properties: {
          pixels: {
            type: "array",
            minItems: PIXELS,
            maxItems: PIXELS,
            items: { type: "integer", minimum: 0, maximum: 255 },
          },
        },
      },
    };
    app.post<{ Body: { pixels: number[] } }>("/api/digit", { schema }, async (request, reply) => {
      // Another site's page must not spend this chain's money.
      const site = request.headers["sec-fetch-site"];
      if (site !== undefined && site !== "same-origin")
        return reply.code(403).send({ error: "ask from the explorer's own page" });
      return { requestId: await ask(request.body.pixels) };
    });
  }
  try {
    const url = await app.listen({ host, port });
    return {
      url,
      async close() {
        for (const { raw } of listeners) raw.end();
        await app.close();
        await watched.close();
      },
    };
  } catch (cause) {
    await watched.close();
    throw new FatalError(
      "PORT_IN_USE",
      `The explorer cannot listen at ${host}:${port}: ${(cause as Error).message}.`,
      { cause },
    );
  }
}
