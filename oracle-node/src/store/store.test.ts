import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ChainCursor, ChainEvent, SuretyLog } from "@surety/chain";
import { parseHash32, parseModelId, parseRequestId } from "@surety/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore, type Store, type StoredRequest } from "./store.ts";

const operator = "0x00000000000000000000000000000000000000aa";
const other = "0x00000000000000000000000000000000000000bb";
const hash = (n: bigint) => `0x${n.toString(16).padStart(64, "0")}` as const;
const modelId = parseModelId(hash(7n));

let dataDir: string;
let store: Store;
const open = (deployment = "d") => openStore({ dataDir, deployment, operator });

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "surety-store-"));
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(dataDir, { recursive: true });
});

const place = (block: bigint) => ({
  blockNumber: block,
  blockHash: hash(block),
  transactionHash: hash(block),
  logIndex: 0,
});
const cursorAt = (block: bigint): ChainCursor => [{ number: block, hash: hash(block) }];
const oracle = (block: bigint, eventName: string, args: object) =>
  ({ contract: "oracle", eventName, args, ...place(block) }) as unknown as SuretyLog;
const game = (block: bigint, eventName: string, args: object) =>
  ({ contract: "game", eventName, args, ...place(block) }) as unknown as SuretyLog;
const block = (number: bigint, ...logs: SuretyLog[]): ChainEvent => ({
  type: "block",
  block: { number, hash: hash(number), timestamp: number, isHead: true },
  logs,
  cursor: cursorAt(number),
});
const requested = (at: bigint, requestId: bigint) =>
  oracle(at, "Requested", { requestId, modelId, requester: other, input: "0x0102" });
const posted = (at: bigint, poster: string) =>
  oracle(at, "Posted", { assertionId: 256n, requestId: 1n, poster, output: "0x09" });

describe("openStore", () => {
  it("opens a store from before references and audits, and keeps to what it said there", () => {
    store.close();
    const old = new DatabaseSync(join(dataDir, "node.sqlite"));
    for (const table of ["request_references", "audits", "traces_shown", "published_outputs"])
      old.exec(`DROP TABLE ${table}`);
    const question = hash(9n);
    old.prepare("INSERT INTO answers VALUES ('1', ?, 'x', ?, x'01', NULL)").run(modelId, question);
    old.close();
    store = open();
    expect(store.openAudits()).toEqual([]);
    const request: StoredRequest = { requestId: parseRequestId(2n), modelId, input: Uint8Array.of(3) };
    const answer = { question: parseHash32(question), output: Uint8Array.of(2), fault: undefined };
    expect(() => store.recordAnswer(request, answer)).toThrow(/answered before with another output/);
  });

  it("keeps requests, own assertions and games against them until they end", () => {
    store.apply(block(1n, requested(1n, 1n), requested(1n, 2n)));
    store.apply(block(2n, posted(2n, operator)));
    store.apply(block(3n, game(3n, "GameOpened", { gameId: 5n, assertionId: 256n, challenger: other })));
    expect(store.openRequests().map(({ requestId }) => requestId)).toEqual([1n, 2n]);
    expect(store.requestOf(parseRequestId(1n))?.input).toEqual(Uint8Array.of(1, 2));
    expect(store.openGames()).toEqual([{ gameId: 5n, assertionId: 256n, requestId: 1n }]);
    store.apply(block(4n, game(4n, "GameEnded", { gameId: 5n, assertionId: 256n })));
    store.apply(
      block(5n, oracle(5n, "Finalised", { assertionId: 256n, requestId: 1n, outputRoot: hash(1n) })),
    );
    expect(store.openGames()).toEqual([]);
    expect(store.openAssertions()).toEqual([]);
    expect(store.openRequests().map(({ requestId }) => requestId)).toEqual([2n]);
  });

  it("leaves other operators' assertions and their games alone", () => {
    store.apply(block(1n, requested(1n, 1n), posted(1n, other)));
    store.apply(block(2n, game(2n, "GameOpened", { gameId: 5n, assertionId: 256n, challenger: other })));
    expect(store.openAssertions()).toEqual([]);
    expect(store.openGames()).toEqual([]);
  });

  it("undoes a reorg, an end included, and resumes where it was", () => {
    store.apply(block(1n, requested(1n, 1n)));
    store.apply(block(2n, posted(2n, operator)));
    store.apply(
      block(3n, oracle(3n, "Finalised", { assertionId: 256n, requestId: 1n, outputRoot: hash(1n) })),
    );
    store.apply({ type: "reorg", ancestor: cursorAt(2n)[0], removed: cursorAt(3n), cursor: cursorAt(2n) });
    store.close();
    store = open();
    expect(store.cursor()).toEqual(cursorAt(2n));
    expect(store.openAssertions()).toEqual([{ assertionId: 256n, requestId: 1n }]);
    store.apply({ type: "reorg", ancestor: cursorAt(0n)[0], removed: cursorAt(1n), cursor: cursorAt(0n) });
    expect(store.openRequests()).toEqual([]);
    expect(store.openAssertions()).toEqual([]);
  });

  it("never has two different answers for one request, across a restart; another question is another answer", () => {
    const request: StoredRequest = { requestId: parseRequestId(1n), modelId, input: Uint8Array.of(1) };
    const question = parseHash32(hash(1n));
    const honest = { question, output: Uint8Array.of(9), fault: undefined };
    store.recordAnswer(request, honest);
    store.close();
    store = open();
    store.recordAnswer(request, honest);
    expect(() => store.recordAnswer(request, { ...honest, output: Uint8Array.of(8) })).toThrow(
      /answered before/,
    );
    expect(store.answerTo(request)).toEqual(honest);
    const reorganised = { ...request, input: Uint8Array.of(2) };
    expect(store.answerTo(reorganised)).toBeUndefined();
    const another = { question: parseHash32(hash(2n)), output: Uint8Array.of(8), fault: '"output"' };
    store.recordAnswer(reorganised, another);
    expect(store.answerTo(reorganised)).toEqual(another);
    expect(store.answerTo(request)).toEqual(honest);
    expect(store.faultyAnswers()).toBe(1);
  });

  it("finds an answer by the root that it was published under, across a restart, and no other", () => {
    const request: StoredRequest = { requestId: parseRequestId(1n), modelId, input: Uint8Array.of(1) };
    const output = Uint8Array.of(9, 8);
    store.recordAnswer(request, { question: parseHash32(hash(1n)), output, fault: undefined });
    expect(store.publishedOutput(hash(5n))).toBeUndefined();
    store.publishOutput(request, parseHash32(hash(5n)));
    store.close();
    store = open();
    store.publishOutput(request, parseHash32(hash(5n)));
    expect(store.publishedOutput(hash(5n))).toEqual(output);
    expect(store.publishedOutput(hash(6n))).toBeUndefined();
  });

  it("never has two different answers for one question under two numbers", () => {
    const request: StoredRequest = { requestId: parseRequestId(1n), modelId, input: Uint8Array.of(1) };
    const swapped = { ...request, requestId: parseRequestId(2n) };
    const honest = { question: parseHash32(hash(1n)), output: Uint8Array.of(9), fault: undefined };
    store.recordAnswer(request, honest);
    expect(() => store.recordAnswer(swapped, { ...honest, output: Uint8Array.of(8) })).toThrow(
      /answered before/,
    );
    expect(store.answerTo(swapped)).toBeUndefined();
    store.recordAnswer(swapped, honest);
    expect(store.answerTo(swapped)).toEqual(honest);
  });

  it("is one process's and one deployment's", () => {
    expect(() => open()).toThrow(/cannot be opened/);
    store.close();
    expect(() => open("other")).toThrow(/another chain/);
    store = open();
  });
});
