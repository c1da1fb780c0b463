import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChainCursor, ChainEvent, SuretyLog } from "@surety/chain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LockedStore, type Migration, openLockedStore } from "./locked-store.ts";

let dataDir: string;
let store: LockedStore;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "surety-store-"));
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(dataDir, { recursive: true });
});

function open(deployment = "d"): LockedStore {
  return openLockedStore({
    ...{ dataDir, service: "test", deployment, ownedBy: "another test" },
    schema: "CREATE TABLE IF NOT EXISTS logs (name TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;",
    chainTables: ["logs"],
    record(run, { eventName, blockNumber }) {
      if (eventName === "Refuted") throw new Error("cannot be recorded");
      run("INSERT OR REPLACE INTO logs VALUES (?, ?)", eventName, blockNumber);
    },
    forget: (run, finalBlock) => run("DELETE FROM logs WHERE block <= ?", finalBlock),
  });
}

const hash = (n: bigint) => `0x${n.toString(16).padStart(64, "0")}` as const;
const cursorAt = (n: bigint): ChainCursor => [{ number: n, hash: hash(n) }];
const names = () => store.all("SELECT name FROM logs ORDER BY block").map(({ name }) => name);
const block = (number: bigint, ...events: string[]): ChainEvent => ({
  type: "block",
  block: { number, hash: hash(number), timestamp: number, isHead: true },
  logs: events.map((eventName) => ({ eventName, blockNumber: number }) as unknown as SuretyLog),
  cursor: cursorAt(number),
});

describe("openLockedStore", () => {
  it("takes in blocks, undoes a reorg, forgets what is final, and goes on after a restart where it was", () => {
    store.apply(block(1n, "Requested"));
    store.apply(block(2n, "Posted"));
    store.apply(block(3n, "Finalised"));
    store.apply({ type: "reorg", ancestor: cursorAt(2n)[0], removed: cursorAt(3n), cursor: cursorAt(2n) });
    expect(names()).toEqual(["Requested", "Posted"]);
    store.apply({ type: "finalize", block: cursorAt(1n)[0], cursor: cursorAt(2n) });
    store.close();
    expect(store.isOpen()).toBe(false);
    store = open();
    expect(names()).toEqual(["Posted"]);
    expect(store.cursor()).toEqual(cursorAt(2n));
  });

  it("takes in an event with its place at once or not at all", () => {
    store.apply(block(1n, "Requested"));
    expect(() => store.apply(block(2n, "Posted", "Refuted"))).toThrow("cannot be recorded");
    expect(names()).toEqual(["Requested"]);
    expect(store.cursor()).toEqual(cursorAt(1n));
  });

  it("is one process's and one deployment's", () => {
    expect(() => open()).toThrow(/is another test using it/);
    store.close();
    expect(() => open("other")).toThrow(/belongs to another test/);
    store = open();
  });

  it("brings a store of an older version to this one, once, all of it or nothing, and refuses a newer one", () => {
    const rename: Migration = (db, hasColumn) => {
      if (hasColumn("logs", "name")) db.exec("ALTER TABLE logs RENAME COLUMN name TO event");
    };
    const clear: Migration = (db) => db.exec("DELETE FROM logs WHERE block > 1");
    const renamed =
      "CREATE TABLE IF NOT EXISTS logs (event TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;";
    const newer = (migrations: readonly Migration[], schema = renamed) =>
      openLockedStore({
        ...{ dataDir, service: "test", deployment: "d", ownedBy: "another test" },
        ...{ schema, migrations, chainTables: [], record: () => {}, forget: () => {} },
      });
    store.apply(block(1n, "Requested"));
    store.apply(block(2n, "Posted"));
    store.close();
    expect(() => newer([rename, () => expect.fail("a step that fails")])).toThrow(/cannot be opened/);
    expect(() => newer([clear], renamed)).toThrow(/another version: its tables logs are not/);
    store = open();
    expect(names()).toEqual(["Requested", "Posted"]);
    store.close();
    const migrated = newer([rename, clear]);
    expect(migrated.all("SELECT event FROM logs")).toEqual([{ event: "Requested" }]);
    expect(migrated.cursor()).toEqual(cursorAt(2n));
    migrated.run("INSERT INTO logs VALUES ('Posted', 2)");
    migrated.close();
    const again = newer([rename, clear]);
    expect(again.all("SELECT event FROM logs").length).toBe(2);
    again.close();
    expect(() => open()).toThrow(/a newer version: its tables have the number 2, this one knows 0/);
    rmSync(join(dataDir, "test.sqlite"));
    store = open();
  });

  it("takes in a store with tables missing, and refuses by name one whose tables are other ones", () => {
    const other = (schema: string) =>
      openLockedStore({
        ...{ dataDir, service: "test", deployment: "d", ownedBy: "another test" },
        ...{ schema, chainTables: [], record: () => {}, forget: () => {} },
      });
    store.close();
    const logs = "CREATE TABLE IF NOT EXISTS logs (name TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;";
    other(`${logs} CREATE TABLE IF NOT EXISTS more (id TEXT PRIMARY KEY) STRICT;`).close();
    const wider = logs.replace("block", "depth INTEGER, block");
    expect(() => other(wider)).toThrow(/another version: its tables logs are not/);
    store = open();
  });
});
