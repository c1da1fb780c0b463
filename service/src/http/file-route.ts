import { createReadStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Schema } from "./serve-api.ts";

/** Bytes that anyone may have: named by their hash, so that who gets them can check them. */
export interface FileRoute {
  /** With parameters, as in `/models/:modelId/:file`. */
  readonly path: `/${string}`;
  readonly summary: string;
  /** JSON schema of each parameter. */
  readonly parameters: Readonly<Record<string, Schema>>;
  /** A file's path, or the bytes themselves; undefined where there is nothing of that name. */
  readonly find: (parameters: Readonly<Record<string, string>>) => string | Uint8Array | undefined;
}

/** Transfers at a time: each holds a file open. */
const MOST_TRANSFERS = 16;
/** Who takes nothing for so long is let go of. */
const STALL_MS = 30_000;

/** Adds routes that send files as they are read; read-only, and counted by the API's rate limit. */
export function addFileRoutes(app: FastifyInstance, routes: readonly FileRoute[]): void {
  let transfers = 0;
  for (const { path, summary, parameters, find } of routes) {
    const params = { type: "object", properties: parameters, required: Object.keys(parameters) };
    const schema = { summary, params, produces: ["application/octet-stream"] };
    app.get<{ Params: Record<string, string> }>(path, { schema }, (request, reply) => {
      const found = find(request.params);
      if (found === undefined)
        return reply.code(404).send({ error: "NOT_HERE", message: "There is no such thing here." });
      if (transfers >= MOST_TRANSFERS) {
        return reply
          .code(503)
          .header("retry-after", "5")
          .send({ error: "BUSY", message: "Too many transfers at once. Try again." });
      }
      transfers++;
      reply.raw.once("close", () => transfers--);
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      return sendBytes(reply, found);
    });
  }
}

function sendBytes(reply: FastifyReply, found: string | Uint8Array): FastifyReply {
  const bytes = typeof found === "string" ? statSync(found).size : found.length;
  void reply
    .type("application/octet-stream")
    .header("content-length", bytes)
    // What has a hash for its name never changes.
    .header("cache-control", "public, max-age=31536000, immutable")
    .header("x-content-type-options", "nosniff");
  return reply.send(typeof found === "string" ? createReadStream(found) : Readable.from([found]));
}
