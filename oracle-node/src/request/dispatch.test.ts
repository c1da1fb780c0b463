import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestView, SuretyLog } from "@surety/chain";
import { parseHash32, parseModelId, parseRequestId, questionOf } from "@surety/protocol";
import { createLogger } from "@surety/service";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEstimates } from "../inference/estimates.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { openStore, type Store } from "../store/store.ts";
import { createDispatcher } from "./dispatch.ts";
import { createRefusals } from "./refusals.ts";

const operator = "0x00000000000000000000000000000000000000aa";
const hash = (n: number) => `0x${n.toString(16).padStart(64, "0")}` as const;
const modelId = parseModelId(hash(7));
const NOW = 1_000;

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "surety-dispatch-"));
  store = openStore({ dataDir: folder, deployment: "d", operator });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** A dispatcher over requests by number and deadline, for a model that runs 10 seconds on one process. */
function dispatcherOf(deadlines: Record<number, number>) {
  const logs = Object.keys(deadlines).map((id, logIndex) => ({
    ...{ contract: "oracle", eventName: "Requested", blockNumber: 1n, blockHash: hash(1), logIndex },
    args: { requestId: BigInt(id), modelId, requester: operator, input: "0x01" },
  }));
  store.apply({
    ...{ type: "block", block: { number: 1n, hash: hash(1), timestamp: 1n, isHead: true } },
    ...{ logs: logs as unknown as SuretyLog[], cursor: [{ number: 1n, hash: hash(1) }] },
  });
  const viewOf = (id: bigint): RequestView => ({
    ...{ status: "open", requester: operator, modelId, inputRoot: parseHash32(hash(Number(id))) },
    ...{ fee: 1n, feeToken: operator, bondWei: 1n, callbackGas: 0, delivery: "pull", callbackOwed: false },
    ...{ revocationDue: false, deadline: deadlines[Number(id)] ?? 0, exclusiveUntil: 0, attempt: 0 },
    itemCount: 1,
  });
  const estimates = createEstimates(1);
  estimates.ran(modelId, 10);
  const metrics = createMetrics();
  const log = createLogger("test", "silent");
  const clock = { now: NOW };
  const queued = { inference: [] as number[], posting: [] as number[] };
  const into = (list: number[]) => async (_id: string, job: { requestId: string }) =>
    void list.push(Number(job.requestId));
  const dispatcher = createDispatcher({
    ...{ operator, store, estimates, log, refusals: createRefusals(log, metrics) },
    membership: { serves: async () => true, apply() {} },
    views: { get: async (id) => ({ view: viewOf(id), assignee: operator }), apply() {} },
    inference: { add: into(queued.inference) },
    posting: { add: into(queued.posting) },
    nowSeconds: () => clock.now,
  });
  const refused = async () =>
    Object.fromEntries(
      (await metrics.refused.get()).values.map(({ labels, value }) => [labels.reason, value]),
    );
  return { dispatcher, queued, refused, estimates, clock };
}

describe("a dispatcher", () => {
  it("queues what can be done in time, the nearest deadline first, and refuses the rest once", async () => {
    const { dispatcher, queued, refused } = dispatcherOf({
      1: NOW + 35,
      2: NOW + 15,
      3: NOW + 25,
      4: NOW + 36,
    });
    await dispatcher.dispatch();
    await dispatcher.dispatch();
    expect(queued.inference).toEqual([2, 3, 1]);
    expect(await refused()).toEqual({ "not-in-time": 1 });
  });

  it("takes what it refused when there is time after all", async () => {
    const { dispatcher, queued, estimates } = dispatcherOf({ 1: NOW + 5 });
    await dispatcher.dispatch();
    expect(queued.inference).toEqual([]);
    for (let run = 0; run < 20; run++) estimates.ran(modelId, 1);
    await dispatcher.dispatch();
    expect(queued.inference).toEqual([1]);
  });

  it("posts a known answer whatever an inference takes, and a new one at once", async () => {
    const { dispatcher, queued } = dispatcherOf({ 1: NOW + 5, 2: NOW + 50 });
    const record = (id: number) =>
      store.recordAnswer(
        { requestId: parseRequestId(BigInt(id)), modelId, input: Uint8Array.of(1) },
        { question: questionOf(modelId, parseHash32(hash(id))), output: Uint8Array.of(9), fault: undefined },
      );
    record(1);
    await dispatcher.dispatch();
    expect(queued).toEqual({ inference: [2], posting: [1] });
    await dispatcher.answered(parseRequestId(2n), modelId);
    expect(queued.posting).toEqual([1]);
    record(2);
    await dispatcher.answered(parseRequestId(2n), modelId);
    expect(queued.posting).toEqual([1, 2]);
  });

  it("offers all again after a reorg, at once", async () => {
    const { dispatcher, queued } = dispatcherOf({ 1: NOW + 50 });
    await dispatcher.dispatch();
    await dispatcher.dispatch();
    expect(queued.inference).toEqual([1]);
    dispatcher.forgetOffers();
    await dispatcher.dispatch();
    expect(queued.inference).toEqual([1, 1]);
  });
});
