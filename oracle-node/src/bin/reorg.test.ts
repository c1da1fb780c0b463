import { requestOf, resultOf } from "@surety/chain";
import { openModel, outputsRoot, toHex } from "@surety/engine";
import { parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { openScene, type Scene } from "../testing/scene.ts";
import { startOracleNode } from "./start-oracle-node.ts";

vi.setConfig({ testTimeout: 240_000 });
let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 2 });
  await scene.enlist(1);
});
afterAll(() => scene.close());

it("posts again after a reorg removed its answer", async () => {
  const { chain, addresses } = scene;
  const node = await startOracleNode(scene.nodeOptions(1));
  onTestFinished(() => node.stop());
  const id = await scene.ask(scene.input(4));
  const status = async () =>
    (await fetch(`${node.url}/v1/status`)).json() as Promise<{ openAssertions: unknown[] }>;
  await until("the node saw its post", async () => (await status()).openAssertions.length === 1);
  const head = await chain.client.getBlock();
  // The newest block is the post's: it is replaced by an empty one.
  await chain.client.request({ method: "anvil_reorg", params: [1, []] } as never);
  expect((await chain.client.getBlock({ blockNumber: head.number })).hash).not.toBe(head.hash);
  // A transaction that a reorg drops while it is waited for is sent again after 15 s only, and on a busy machine all takes several times as long.
  const isFinal = async () => (await requestOf(chain, addresses, parseRequestId(id))).status === "final";
  await until("the request final", isFinal, 150_000);
  const session = await openModel(scene.bundle);
  onTestFinished(() => session.release());
  expect(await resultOf(chain, addresses, id)).toBe(toHex(outputsRoot(await session.run(scene.input(4)))));
  expect(await (await fetch(`${node.url}/metrics`)).text()).toMatch(/surety_node_reorgs_total [1-9]/);
});
