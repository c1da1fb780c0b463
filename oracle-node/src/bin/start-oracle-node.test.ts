import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertionIdOf, assertionOf, createTransactionManager, requestOf, resultOf } from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { batchRoot, openModel, outputsRoot, toHex } from "@surety/engine";
import { digitReaderAbi, digitReaderBytecode, parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { bytesToHex, createWalletClient, encodeFunctionData, http } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openScene, type Scene } from "../testing/scene.ts";
import { type RunningOracleNode, startOracleNode } from "./start-oracle-node.ts";

let scene: Scene;
const running: RunningOracleNode[] = [];

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 2 });
  await scene.enlist(1);
});
// A test that failed must not leave its node to the next one.
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
});
afterAll(() => scene.close());

async function start(options = scene.nodeOptions(1)): Promise<RunningOracleNode> {
  const node = await startOracleNode(options);
  running.push(node);
  return node;
}
async function stop(node: RunningOracleNode): Promise<void> {
  running.splice(running.indexOf(node), 1);
  await node.stop();
}
vi.setConfig({ testTimeout: 240_000 });
const final = (id: bigint) =>
  until(
    `request ${id} final`,
    async () => {
      const view = await requestOf(scene.chain, scene.addresses, parseRequestId(id));
      return view.status === "final";
    },
    150_000,
  );
async function rightRoot(input: Uint8Array): Promise<string> {
  const session = await openModel(scene.bundle);
  const root = toHex(outputsRoot(await session.run(input)));
  await session.release();
  return root;
}

describe("an oracle node", () => {
  it("answers a consumer's request, makes it final and has the consumer called", async () => {
    const { chain, addresses, bundle } = scene;
    const options = scene.nodeOptions(1);
    const node = await start(options);
    const wallet = createWalletClient({ account: devAccount(8), transport: http(scene.anvil.url) });
    const hash = await wallet.deployContract({
      abi: digitReaderAbi,
      bytecode: digitReaderBytecode,
      args: [addresses.oracle, bundle.modelId],
      chain: null,
    });
    const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
    const reader = { address: contractAddress as `0x${string}`, abi: digitReaderAbi } as const;
    const input = scene.input(0);
    const asker = createTransactionManager({ chain, account: devAccount(8) });
    const { timestamp } = await chain.client.getBlock();
    await asker.send({
      what: "reader.readDigit",
      to: reader.address,
      data: encodeFunctionData({
        abi: digitReaderAbi,
        functionName: "readDigit",
        args: [bytesToHex(input), Number(timestamp) + 600],
      }),
      valueWei: await chain.client.readContract({ ...reader, functionName: "feeWei" }),
    });
    const id = 1n;
    await final(id);
    expect(await resultOf(chain, addresses, parseRequestId(id))).toBe(await rightRoot(input));
    // The first image of the MNIST test set shows a 7.
    expect(await chain.client.readContract({ ...reader, functionName: "digitOf", args: [id] })).toBe(7);

    const get = async (path: string) => fetch(`${node.url}${path}`);
    expect((await get("/health/live")).status).toBe(200);
    expect(await (await get("/health/ready")).json()).toEqual({
      status: "ready",
      ready: true,
      checks: { chain: true, store: true, queue: true, selfTest: true, takesWork: true },
    });
    const metrics = await (await get("/metrics")).text();
    expect(metrics).toContain("surety_node_posted_total 1");
    const status = (await (await get("/v1/status")).json()) as Record<string, unknown>;
    expect(status).toMatchObject({
      operator: devAccount(1).address,
      models: [{ modelId: bundle.modelId, serving: true }],
      stake: { jailed: false },
    });
    await stop(node);
  });

  it("answers a request by reference once its input is in the folder, and no wrong bytes before", async () => {
    const options = scene.nodeOptions(1);
    const inputs = join(options.dataDir ?? "", "inputs");
    mkdirSync(inputs, { recursive: true });
    const input = scene.input(6);
    const { requestId, inputRoot } = await scene.askByReference(input, "https://nowhere.invalid/input");
    writeFileSync(join(inputs, inputRoot), scene.input(7));
    const node = await start(options);
    const refused = () =>
      fetch(`${node.url}/metrics`)
        .then((response) => response.text())
        .then((text) => text.includes('code="INPUT_NOT_ITS_ROOT"'));
    await until("the wrong input refused", refused);
    expect((await requestOf(scene.chain, scene.addresses, requestId)).status).toBe("open");
    writeFileSync(join(inputs, inputRoot), input);
    await final(requestId);
    expect(await resultOf(scene.chain, scene.addresses, requestId)).toBe(await rightRoot(input));
    await stop(node);
  });

  it("answers a batch with the outputs of all its items", async () => {
    const node = await start();
    const inputs = [0, 1, 2].map((index) => scene.input(index));
    const requestId = await scene.askBatch(inputs);
    await final(requestId);
    const session = await openModel(scene.bundle);
    const outputs: Uint8Array[] = [];
    for (const input of inputs) outputs.push(...(await session.run(input)));
    await session.release();
    const sizes = scene.bundle.header.outputs.map(({ bytes }) => bytes);
    const root = batchRoot(sizes, Buffer.concat(outputs), inputs.length);
    expect(await resultOf(scene.chain, scene.addresses, requestId)).toBe(root);
    await stop(node);
  });

  it("answers after a restart what was asked while it was away, once", async () => {
    const options = scene.nodeOptions(1);
    const first = await start(options);
    await stop(first);
    const ids = [await scene.ask(scene.input(1)), await scene.ask(scene.input(2))];
    const second = await start(options);
    for (const id of ids) await final(id);
    const posted = await scene.chain.client.getTransactionCount({ address: devAccount(1).address });
    await stop(second);
    const third = await start(options);
    await until("third node ready", async () => (await fetch(`${third.url}/health/ready`)).ok);
    await stop(third);
    expect(await scene.chain.client.getTransactionCount({ address: devAccount(1).address })).toBe(posted);
  });

  it("refuses a port in use, another node's data and a fault on the wrong chain", async () => {
    const options = scene.nodeOptions(1);
    const node = await start(options);
    const port = Number(new URL(node.url).port);
    await expect(startOracleNode({ ...scene.nodeOptions(1), port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
    });
    await expect(startOracleNode(options)).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await expect(startOracleNode({ ...options, chainId: 5 })).rejects.toMatchObject({ code: "WRONG_CHAIN" });
    await stop(node);
    await expect(
      startOracleNode({ ...scene.nodeOptions(2), dataDir: options.dataDir as string }),
    ).rejects.toMatchObject({ code: "STORE_OTHER_DEPLOYMENT" });
  });

  it("does not start where no process may take the memory that its models need", async () => {
    await expect(start({ ...scene.nodeOptions(1), inferenceMemoryMb: 20 })).rejects.toMatchObject({
      code: "MODEL_PROCESS_MEMORY",
    });
  });

  it("lies in as many answers as it is told to, then is honest", async () => {
    const node = await start({
      ...scene.nodeOptions(1),
      fault: { target: { layer: 1, element: 100 }, requests: 1 },
    });
    const lie = await scene.ask(scene.input(3));
    await final(lie);
    const truth = await scene.ask(scene.input(3));
    await final(truth);
    const root = (id: typeof lie) => assertionOf(scene.chain, scene.addresses, assertionIdOf(id, 0));
    expect((await root(truth)).outputRoot).toBe(await rightRoot(scene.input(3)));
    expect((await root(lie)).outputRoot).not.toBe((await root(truth)).outputRoot);
    await stop(node);
  });
});
