import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChainCursor, ChainEvent, SuretyLog } from "@surety/chain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LockedStore, openLockedStore } from "./locked-store.ts";

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
