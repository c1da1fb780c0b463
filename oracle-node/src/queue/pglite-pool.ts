import { EventEmitter } from "node:events";
import type { PGlite } from "@electric-sql/pglite";
import type { PgPool, PgPoolClient, PgQueryResult } from "bullmq";

type Queryable = Pick<PGlite, "query" | "exec" | "listen">;

/** Leading comments of a statement: BullMQ's LISTEN statements begin with them. */
const LEADING_COMMENTS = /^(\s*--[^\n]*\n)*\s*/;
const LISTEN = /^LISTEN\s+(\w+)\s*;?\s*$/i;

/**
 * What BullMQ's PostgreSQL backend needs of a node-postgres pool, over one embedded PGlite. PGlite has one session, so every "client" is the
 * same one; it runs one statement at a time.
 */
export function pglitePool(pglite: Queryable): PgPool {
  const pool = new PgliteClient(pglite);
  return Object.assign(pool, {
    connect: () => Promise.resolve(new PgliteClient(pglite) as PgPoolClient),
    end: () => Promise.resolve(),
  }) as unknown as PgPool;
}

class PgliteClient extends EventEmitter {
  readonly #pglite: Queryable;
  readonly #unlisten: (() => Promise<void>)[] = [];

  constructor(pglite: Queryable) {
    super();
    this.#pglite = pglite;
    this.setMaxListeners(0);
  }

  async query(text: string, params: readonly unknown[] = []): Promise<PgQueryResult> {
    const channel = LISTEN.exec(text.replace(LEADING_COMMENTS, ""))?.[1];
    if (channel !== undefined) {
      const forward = (payload: string) => this.emit("notification", { channel, payload });
      this.#unlisten.push(await this.#pglite.listen(channel, forward));
      return { rows: [], rowCount: null };
    }
    const result =
      params.length > 0
        ? await this.#pglite.query(text, [...params])
        : ((await this.#pglite.exec(text)).at(-1) ?? { rows: [], affectedRows: 0 });
    return {
      rows: result.rows,
      rowCount: result.rows.length > 0 ? result.rows.length : (result.affectedRows ?? 0),
    };
  }

  release(): void {
    for (const unlisten of this.#unlisten.splice(0)) unlisten().catch(() => {});
  }
}
