import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { assertionIdOf, assertionOf, DEVNET_PARAMETERS, depositStake } from "@surety/chain";
import { devAccount, devPrivateKey } from "@surety/chain/testing";
import { openModel, outputsRoot, questionAsked, toHex } from "@surety/engine";
import { parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { bytesToHex } from "viem";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openQueues } from "../../oracle-node/src/queue/open-queue.ts";
import { openResultQueue, queueOwner } from "../../oracle-node/src/queue/work-queues.ts";
import {
  hasRedisServer,
  type RedisServer,
  startRedisServer,
} from "../../oracle-node/src/testing/redis-server.ts";
import { openScene, type Scene } from "../../oracle-node/src/testing/scene.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const SURETY = path.join(import.meta.dirname, "../../cli/bin/surety.js");

describe.skipIf(!hasRedisServer())("surety worker", () => {
  let scene: Scene;
  let redis: RedisServer;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    [scene, redis] = await Promise.all([
      openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 250, unbondingSeconds: 2_000 }),
      startRedisServer(),
    ]);
    await scene.enlist(1);
    // A bond for every answer that is open at once.
    await scene.sender(1).send(depositStake(scene.addresses, 100n * DEVNET_PARAMETERS.assertionBondWei));
    const { registry, operators, oracle, game } = scene.addresses;
    const deployment = path.join(scene.folder, "deployment.json");
    writeFileSync(deployment, JSON.stringify({ registry, operators, oracle, game }));
    // One file for the node and its workers.
    writeFileSync(
      path.join(scene.folder, "surety.toml"),
      [
        ...[
          `deployment = "${deployment}"`,
          `bundles = "${scene.bundlesDir}"`,
          "chain-id = 31337",
          "port = 0",
        ],
        ...["[node]", `rpc-url = "${scene.anvil.url}"`, `queue = "${redis.url}"`, "poll-ms = 100"],
        ...["[worker]", `queue = "${redis.url}"`, `operator = "${devAccount(1).address}"`],
      ].join("\n"),
    );
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all([scene.close(), redis.remove()]);
  });

  async function start(...args: string[]): Promise<{ url: string; child: ChildProcess }> {
    const dataDir = mkdtempSync(path.join(scene.folder, "data-"));
    const config = ["--config", path.join(scene.folder, "surety.toml"), "--data-dir", dataDir];
    const child = spawn(process.execPath, [SURETY, ...args, ...config], {
      env: { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(1), SURETY_LOG_LEVEL: "warn" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const [line] = await Promise.race([
      once(child.stdout as NodeJS.ReadableStream, "data"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`${args.join(" ")} ended with ${code}`))),
    ]);
    return { ...JSON.parse(String(line)), child };
  }
  const metric = async (url: string, name: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  async function rootOf(index: number): Promise<string> {
    const session = await openModel(scene.bundle);
    const root = toHex(outputsRoot(await session.run(scene.input(index))));
    await session.release();
    return root;
  }
  const posted = (id: bigint) =>
    until(
      `request ${id} answered`,
      async () => {
        const { outputRoot } = await assertionOf(
          scene.chain,
          scene.addresses,
          assertionIdOf(parseRequestId(id), 0),
        );
        return /[1-9a-f]/.test(outputRoot.slice(2)) && outputRoot;
      },
      120_000,
    );

  it("computes for a node, which checks what it is given and posts it; a killed one's job is done by another", async () => {
    const node = await start("node", "start");
    const workers = await Promise.all(["a", "b"].map((name) => start("worker", "--name", name)));
    expect((await fetch(`${workers[0]?.url}/health/ready`)).status).toBe(200);
    const ids = [];
    for (let index = 0; index < 12; index++) ids.push(await scene.ask(scene.input(index)));
    workers[0]?.child.kill("SIGKILL");
    for (const [index, id] of ids.entries()) expect(await posted(id)).toBe(await rootOf(index));
    const fromWorkers = await metric(node.url, "surety_node_worker_results_total{");
    expect(fromWorkers).toBeGreaterThan(0);
    expect(await metric(node.url, "surety_node_posted_total")).toBe(12);

    // A worker that lies: found out by its first result, and the right answer is posted.
    const id = await scene.ask(scene.input(20));
    const { oracle, game } = scene.addresses;
    const owner = queueOwner(31337, oracle, game, devAccount(1).address);
    const queues = await openQueues({ url: redis.url, dataDir: "unused", owner });
    const bytes = scene.bundle.header.outputs.reduce((sum, output) => sum + output.bytes, 0);
    await openResultQueue(queues).add("lie", {
      ...{
        requestId: String(id),
        attempt: 0,
        modelId: scene.bundle.modelId,
        worker: "liar",
        processes: 1,
      },
      question: questionAsked(
        { modelId: scene.bundle.modelId, header: scene.bundle.header },
        scene.input(20),
      ),
      output: bytesToHex(new Uint8Array(bytes)),
    });
    await queues.close();
    expect(await posted(id)).toBe(await rootOf(20));
  });
});
