import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ChainCursor, type ChainEvent, encodeCursor, type SuretyLog } from "@surety/chain";
import { type AssertionId, parseAssertionId, parseHash32 } from "@surety/protocol";
import type { Hex } from "viem";
import { afterEach, describe, expect, it } from "vitest";
import { type AssertionSeen, openStore, type Store } from "./store.ts";

const CHALLENGER = "0x00000000000000000000000000000000000000C1";
const POSTER = "0x00000000000000000000000000000000000000A1";
const hash = (byte: number): Hex => `0x${byte.toString(16).padStart(64, "0")}`;
const ref = (number: number) => ({ number: BigInt(number), hash: hash(number) });
const cursor = (number: number): ChainCursor => [ref(0), ref(number)];

let opened: ReturnType<typeof openStore>[] = [];
afterEach(() => {
  for (const store of opened) store.close();
  opened = [];
});

function open(dataDir = ":memory:", deployment = "1/a/b") {
  const store = openStore({ dataDir, deployment });
  opened.push(store);
  return store;
}

/** A block with events, each given as its name and arguments. */
function block(number: number, ...events: readonly (readonly [string, object])[]): ChainEvent {
  const logs = events.map(
    ([eventName, args]) =>
      ({ contract: "game", eventName, args, blockNumber: BigInt(number) }) as unknown as SuretyLog,
  );
  return {
    type: "block",
    block: { ...ref(number), timestamp: 0n, isHead: true },
    logs,
    cursor: cursor(number),
  };
}

const requested = [
  "Requested",
  { requestId: 1n, modelId: hash(7), requester: POSTER, input: "0x0102" },
] as const;
const posted = ["Posted", { assertionId: 256n, requestId: 1n, poster: POSTER, output: "0x03" }] as const;
const gameOpened = ["GameOpened", { gameId: 1n, assertionId: 256n, challenger: CHALLENGER }] as const;
const nodes = [
  "NodeRevealed",
  {
    assertionId: 256n,
    inTensor: false,
    instruction: 0,
    height: 1,
    position: 0,
    children: [hash(1), hash(2)],
  },
] as const;
const bytes = [
  "BytesRevealed",
  { assertionId: 256n, instruction: 4, height: 0, position: 0, data: "0x0908" },
] as const;

/** The first tables that there were. */
const OLDEST_TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE requests (id TEXT PRIMARY KEY, model_id TEXT NOT NULL, input BLOB NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE assertions (
  id TEXT PRIMARY KEY, request_id TEXT NOT NULL, poster TEXT NOT NULL, output BLOB NOT NULL, block INTEGER NOT NULL,
  verdict TEXT
) STRICT;
CREATE TABLE settlements (assertion_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE games (id TEXT PRIMARY KEY, assertion_id TEXT NOT NULL, challenger TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE endings (game_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, paid_wei TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE reveals (
  assertion_id TEXT NOT NULL, kind TEXT NOT NULL, instruction INTEGER NOT NULL, height INTEGER NOT NULL,
  position INTEGER NOT NULL, data BLOB NOT NULL, block INTEGER NOT NULL,
  PRIMARY KEY (assertion_id, kind, instruction, height, position)
) STRICT;
`;

/** An assertion as the store has it. */
function seen(store: Store, id: AssertionId): AssertionSeen {
  const found = store.assertion(id);
  if (found === undefined) throw new Error("no such assertion");
  return found;
}

describe("openStore", () => {
  it("waits for the input of an answered request by reference, then has its assertion like any other", () => {
    const store = open();
    const byReference = { requestId: 1n, modelId: hash(7), requester: POSTER };
    store.apply(block(1, ["RequestedByReference", { ...byReference, inputRoot: hash(8), uri: "file:///x" }]));
    expect(store.openReferences()).toEqual([]);
    const answer = { assertionId: 256n, requestId: 1n, poster: POSTER, outputRoot: hash(9), uri: "" };
    store.apply(block(2, ["PostedByReference", answer]));
    const [reference] = store.openReferences();
    if (reference === undefined) throw new Error("no reference");
    expect(reference).toMatchObject({
      requestId: 1n,
      modelId: hash(7),
      inputRoot: hash(8),
      uri: "file:///x",
    });
    expect(store.openAssertions()).toEqual([]);
    store.apply({ type: "finalize", block: ref(2), cursor: cursor(2) });

    // Found for a question that a reorg took away: noted nowhere.
    store.recordInput({ ...reference, inputRoot: parseHash32(hash(6)) }, Uint8Array.of(1));
    expect(store.openAssertions()).toEqual([]);
    store.recordInput(reference, Uint8Array.of(1, 2));
    expect(store.openReferences()).toEqual([]);
    const [assertion] = store.openAssertions();
    expect(assertion).toMatchObject({ input: Uint8Array.of(1, 2), outputForm: "root" });
    expect(assertion?.output.length).toBe(32);
    store.apply(block(3, ["Finalised", { requestId: 1n, assertionId: 256n, outputRoot: hash(9) }]));
    store.apply({ type: "finalize", block: ref(3), cursor: cursor(3) });
    expect(store.assertion(parseAssertionId(256n))).toBeUndefined();
    expect(store.openReferences()).toEqual([]);
  });

  it("gives an assertion with its question, its games and what was revealed", () => {
    const store = open();
    store.apply(block(1, requested));
    store.apply(block(2, posted));
    store.apply(block(3, gameOpened, nodes, bytes));
    const id = parseAssertionId(256);
    expect(store.openAssertions()).toMatchObject([
      { assertionId: 256n, requestId: 1n, modelId: hash(7), verdict: undefined },
    ]);
    expect([...(store.assertion(id)?.input ?? [])]).toEqual([1, 2]);
    store.setVerdict(seen(store, id), "wrong");
    expect(store.openAssertions()).toEqual([]);
    expect(store.openAssertions("wrong")).toHaveLength(1);
    expect(store.games(CHALLENGER)).toEqual([
      { gameId: 1n, assertionId: 256n, outcome: undefined, paidWei: undefined },
    ]);
    expect(store.revealed(id)).toEqual([
      { kind: "bytes", instruction: 4, place: { height: 0, position: 0 }, data: Uint8Array.of(9, 8) },
      {
        kind: "nodes",
        instruction: undefined,
        place: { height: 1, position: 0 },
        children: [hash(1), hash(2)],
      },
    ]);
    store.apply(
      block(4, ["GameEnded", { gameId: 1n, assertionId: 256n, outcome: 4, paidWei: 5n, burnedWei: 0n }]),
    );
    expect(store.games(CHALLENGER)).toMatchObject([{ outcome: "challenger-won", paidWei: 5n }]);
  });

  it("a reorg takes back what was in the removed blocks, the verdict with it", () => {
    const store = open();
    store.apply(block(1, requested));
    store.apply(block(2, posted));
    const checked = seen(store, parseAssertionId(256));
    store.setVerdict(checked, "right");
    store.apply({ type: "reorg", ancestor: ref(1), removed: [ref(2)], cursor: cursor(1) });
    expect(store.assertion(parseAssertionId(256))).toBeUndefined();
    expect(store.cursor()).toEqual(cursor(1));
    store.apply(block(2, posted));
    expect(store.openAssertions()).toHaveLength(1);
    // What was found about something else that had this number is not noted.
    store.setVerdict({ ...checked, input: Uint8Array.of(9, 9) }, "wrong");
    store.setVerdict({ ...checked, output: Uint8Array.of(9) }, "wrong");
    expect(store.openAssertions()).toHaveLength(1);
  });

  it("forgets what a final block settled, but not under a live game", () => {
    const store = open();
    store.apply(block(1, requested, posted));
    store.apply(
      block(2, gameOpened, nodes, ["Finalised", { requestId: 1n, assertionId: 256n, outputRoot: hash(3) }]),
    );
    const finalize = (number: number): ChainEvent => ({
      type: "finalize",
      block: ref(number),
      cursor: cursor(number),
    });
    store.apply(finalize(3));
    expect(store.assertion(parseAssertionId(256))).toBeDefined();
    expect(store.revealed(parseAssertionId(256))).toHaveLength(1);
    store.apply(
      block(4, ["GameEnded", { gameId: 1n, assertionId: 256n, outcome: 5, paidWei: 0n, burnedWei: 0n }]),
    );
    store.apply(finalize(5));
    expect(store.assertion(parseAssertionId(256))).toBeUndefined();
    expect(store.revealed(parseAssertionId(256))).toEqual([]);
  });

  it("opens a store from before answers by reference, with all that is in it", () => {
    const dataDir = mkdtempSync(join(tmpdir(), "surety-store-"));
    const old = new DatabaseSync(join(dataDir, "challenger.sqlite"));
    old.exec(OLDEST_TABLES);
    old
      .prepare("INSERT INTO meta VALUES ('deployment', '1/a/b'), ('cursor', ?)")
      .run(encodeCursor(cursor(2)));
    old.exec(`INSERT INTO requests VALUES ('1', '${hash(7)}', x'0102', 1);
      INSERT INTO assertions VALUES ('256', '1', '${POSTER}', x'03', 1, 'wrong');
      INSERT INTO games VALUES ('1', '256', '${CHALLENGER.toLowerCase()}', 2);`);
    old.close();
    try {
      for (const time of ["first", "second"]) {
        const store = open(dataDir);
        expect(store.cursor(), time).toEqual(cursor(2));
        expect(store.openAssertions("wrong")).toMatchObject([
          { assertionId: 256n, output: Uint8Array.of(3), outputForm: "bytes", input: Uint8Array.of(1, 2) },
        ]);
        expect(store.games(CHALLENGER)).toMatchObject([{ gameId: 1n, outcome: undefined }]);
        opened.pop()?.close();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it("keeps everything over a restart, and refuses another deployment's store and a second process", () => {
    const dataDir = mkdtempSync(join(tmpdir(), "surety-store-"));
    try {
      open(dataDir).apply(block(1, requested, posted));
      expect(() => openStore({ dataDir, deployment: "1/a/b" })).toThrow(/another challenger/);
      opened.pop()?.close();
      const again = open(dataDir);
      expect(again.cursor()).toEqual(cursor(1));
      expect(again.openAssertions()).toHaveLength(1);
      opened.pop()?.close();
      expect(() => openStore({ dataDir, deployment: "1/a/c" })).toThrow(/other contracts/);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
