import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { type ChainCursor, type ChainEvent, decodeCursor, encodeCursor, type SuretyLog } from "@surety/chain";
import { FatalError } from "@surety/protocol";

export type Row = Record<string, unknown>;
/** Runs one statement. */
export type Run = (sql: string, ...values: SQLInputValue[]) => void;

/** Brings a store from one version of its tables to the next. */
export type Migration = (
  db: Pick<DatabaseSync, "exec">,
  hasColumn: (table: string, column: string) => boolean,
) => void;

export interface LockedStoreParameters {
  /** Directory of the store; created when missing. `:memory:` keeps nothing. */
  readonly dataDir: string;
  /** Of the service, as in "another node": names the file too. */
  readonly service: string;
  /** What the store belongs to, as one text; another one's is refused. */
  readonly deployment: string;
  /** What that is, for people. */
  readonly ownedBy: string;
  /** `CREATE TABLE IF NOT EXISTS` for each table. */
  readonly schema: string;
  /**
   * What changes tables that older versions wrote; the number of those that a file has seen is its `user_version`. A table that is only new needs none. Default:
   * none. INVARIANT: what was released is never changed, only added to.
   */
  readonly migrations?: readonly Migration[];
  /** Tables whose rows a reorg takes away: each has the number of its block in `block`. */
  readonly chainTables: readonly string[];
  /** Writes down one event of the contracts; a second time changes nothing. */
  readonly record: (run: Run, log: SuretyLog) => void;
  /** Deletes what a final block made useless. */
  readonly forget: (run: Run, finalBlock: bigint) => void;
}

/** A service's memory in one SQLite file: what it saw on the chain, and how far it came. */
export interface LockedStore {
  all(sql: string, ...values: SQLInputValue[]): Row[];
  readonly run: Run;
  /** Where the stream goes on. */
  cursor(): ChainCursor | undefined;
  /** Takes in one event of the stream, with its place, at once or not at all. */
  apply(event: ChainEvent): void;
  isOpen(): boolean;
  close(): void;
}

const META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;";

/**
 * Opens a store, one process at a time. One of an older version is brought to this one: its tables are changed, and those that it did not have are added.
 *
 * @throws FatalError STORE_OTHER_DEPLOYMENT, STORE_OTHER_VERSION, STORE_LOCKED
 */
export function openLockedStore(parameters: LockedStoreParameters): LockedStore {
  const { dataDir, deployment, chainTables, record, forget } = parameters;
  const db = openFile(parameters);
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const all = (sql: string, ...values: SQLInputValue[]): Row[] => prepared(sql).all(...values);
  const run: Run = (sql, ...values) => {
    prepared(sql).run(...values);
  };
  const meta = (key: string) =>
    all("SELECT value FROM meta WHERE key = ?", key)[0]?.value as string | undefined;
  const setMeta = (key: string, value: string) =>
    run("INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value", key, value);

  const known = meta("deployment");
  if (known !== undefined && known !== deployment) {
    db.close();
    throw new FatalError(
      "STORE_OTHER_DEPLOYMENT",
      `The store in ${dataDir} belongs to ${parameters.ownedBy}. Give another --data-dir.`,
      { metaMessages: [`store: ${known}`, `options: ${deployment}`] },
    );
  }
  setMeta("deployment", deployment);

  return {
    all,
    run,
    cursor() {
      const text = meta("cursor");
      return text === undefined ? undefined : decodeCursor(text);
    },
    apply(event) {
      // What the chain says is read again from where the file ends: it need not have reached the disk, as what this service says must.
      db.exec("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
      try {
        if (event.type === "block") for (const log of event.logs) record(run, log);
        if (event.type === "reorg") {
          for (const table of chainTables) run(`DELETE FROM ${table} WHERE block > ?`, event.ancestor.number);
        }
        if (event.type === "finalize") forget(run, event.block.number);
        setMeta("cursor", encodeCursor(event.cursor));
        db.exec("COMMIT");
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      } finally {
        db.exec("PRAGMA synchronous = FULL");
      }
    },
    isOpen: () => db.isOpen,
    close() {
      if (db.isOpen) db.close();
    },
  };
}

function openFile(parameters: LockedStoreParameters): DatabaseSync {
  const { dataDir, service, schema } = parameters;
  const inMemory = dataDir === ":memory:";
  if (!inMemory) mkdirSync(dataDir, { recursive: true });
  const db = new DatabaseSync(inMemory ? dataDir : join(dataDir, `${service}.sqlite`));
  try {
    // The lock is taken with the first write and kept: two processes on one store would do everything twice.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    db.exec("BEGIN IMMEDIATE");
    migrate(db, parameters);
    db.exec(`${META} ${schema}`);
    requireShape(db, dataDir, schema);
    db.exec("COMMIT");
    return db;
  } catch (cause) {
    db.close();
    if (cause instanceof FatalError) throw cause;
    throw new FatalError(
      "STORE_LOCKED",
      `The store in ${dataDir} cannot be opened: is another ${service} using it? Give each its own --data-dir.`,
      { cause },
    );
  }
}

/** INVARIANT: all of it or nothing, as one transaction of the caller's. */
function migrate(db: DatabaseSync, { dataDir, migrations = [] }: LockedStoreParameters): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (version > migrations.length) {
    throw new FatalError(
      "STORE_OTHER_VERSION",
      `The store in ${dataDir} was written by a newer version: its tables have the number ${version}, this one knows ${migrations.length}. Run the newer one.`,
    );
  }
  const columns = db.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
  const hasColumn = (table: string, column: string) => columns.get(table, column) !== undefined;
  const isNew = db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (!isNew) for (const migration of migrations.slice(version)) migration(db, hasColumn);
  db.exec(`PRAGMA user_version = ${migrations.length}`);
}

/** INVARIANT: a store whose tables are not those of this version is never read as if they were. */
function requireShape(db: DatabaseSync, dataDir: string, schema: string): void {
  const wanted = new DatabaseSync(":memory:");
  wanted.exec(`${META} ${schema}`);
  const columns = (of: DatabaseSync, table: string) =>
    JSON.stringify(of.prepare('SELECT name, type, pk, "notnull" FROM pragma_table_info(?)').all(table));
  const tables = wanted.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const other = tables
    .map(({ name }) => String(name))
    .filter((name) => columns(db, name) !== columns(wanted, name));
  wanted.close();
  if (other.length === 0) return;
  throw new FatalError(
    "STORE_OTHER_VERSION",
    `The store in ${dataDir} was written by another version: its tables ${other.join(", ")} are not those of this one. Let that version end what is open, then give another --data-dir.`,
  );
}
