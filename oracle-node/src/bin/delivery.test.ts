import {
  assertionIdOf,
  assertionOf,
  claimTimeout,
  createTransactionManager,
  requestOf,
  resultOf,
} from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { openModel, outputsRoot, toHex } from "@surety/engine";
import { liveDigitAbi, liveDigitBytecode, parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { bytesToHex, createWalletClient, encodeFunctionData, http } from "viem";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { openScene, type Scene } from "../testing/scene.ts";
import { openTestGame } from "../testing/scripted-challenger.ts";
import { type RunningOracleNode, startOracleNode } from "./start-oracle-node.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
let scene: Scene;
const running: RunningOracleNode[] = [];

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 300, unbondingSeconds: 100_000 });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
});
afterAll(() => scene.close());

it("shows a provisional answer, takes it back when it is refuted, and shows the right one, then final, through running nodes", async () => {
  const { chain, addresses, bundle, anvil } = scene;
  await scene.enlist(1);
  const wallet = createWalletClient({ account: devAccount(8), transport: http(anvil.url) });
  const hash = await wallet.deployContract({
    abi: liveDigitAbi,
    bytecode: liveDigitBytecode,
    args: [addresses.oracle, bundle.modelId],
    chain: null,
  });
  const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
  const live = { address: contractAddress as `0x${string}`, abi: liveDigitAbi } as const;
  const reading = () => chain.client.readContract({ ...live, functionName: "readingOf", args: [1n] });
  /** None, provisional, final. */
  const certainty = async () => (await reading()).certainty;

  // A node lies, once, and is gone before it is challenged.
  running.push(await startOracleNode({ ...scene.nodeOptions(1), fault: { target: "output", requests: 1 } }));
  const input = scene.input(0);
  const { timestamp } = await chain.client.getBlock();
  await createTransactionManager({ chain, account: devAccount(8) }).send({
    what: "live.readDigit",
    to: live.address,
    data: encodeFunctionData({
      abi: liveDigitAbi,
      functionName: "readDigit",
      args: [bytesToHex(input), Number(timestamp) + 100_000],
    }),
    valueWei: await chain.client.readContract({ ...live, functionName: "feeWei" }),
  });
  const requestId = parseRequestId(1n);
  await until("the false answer shown", async () => (await certainty()) === 1, 60_000);
  await running.pop()?.stop();
  const lie = assertionIdOf(requestId, 0);
  const gameId = await openTestGame(scene, 5, lie);
  await scene.advance(200);
  await scene.sender(5).send(claimTimeout(addresses, gameId));
  expect((await assertionOf(chain, addresses, lie)).refuted).toBe(true);
  expect(await requestOf(chain, addresses, requestId)).toMatchObject({ status: "open", revocationDue: true });

  // Another answers; the consumer hears of the refutation first.
  await scene.enlist(2);
  running.push(await startOracleNode({ ...scene.nodeOptions(2), deliver: true }));
  await until(
    "the right answer shown",
    async () => {
      const { revocationDue, callbackOwed, status } = await requestOf(chain, addresses, requestId);
      return status === "asserted" && !revocationDue && !callbackOwed;
    },
    90_000,
  );
  expect(await reading()).toMatchObject({ digit: 7, certainty: 1 });
  await scene.advance(400);
  await until("final", async () => (await certainty()) === 2, 60_000);
  const session = await openModel(bundle);
  expect(await resultOf(chain, addresses, requestId)).toBe(toHex(outputsRoot(await session.run(input))));
  await session.release();
  const events = await chain.client.getContractEvents({ ...live, fromBlock: 0n });
  expect(events.map(({ eventName }) => eventName)).toEqual(["Read", "TakenBack", "Read", "Read"]);
  const metrics = await (await fetch(`${running[0]?.url}/metrics`)).text();
  expect(metrics).toContain('surety_node_delivered_total{what="delivered"} 1');
});
