import { join } from "node:path";
import {
  assertionIdOf,
  attentionParameters,
  auditOf,
  fundAttention,
  requestOf,
  watcherOf,
} from "@surety/chain";
import { devAccount, testClient } from "@surety/chain/testing";
import { attentionTestsAbi } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { parseEther } from "viem";
import { expect, it, onTestFinished } from "vitest";
import { startChallenger } from "../../challenger/src/service/start-challenger.ts";
import { startOracleNode } from "../../oracle-node/src/bin/start-oracle-node.ts";
import { openScene } from "../../oracle-node/src/testing/scene.ts";

it("a watcher that runs the model attends, has the answer audited, and is paid; the node shows its trace in time", async () => {
  const attention = {
    ...{ watcherStakeWei: parseEther("1"), rewardWei: parseEther("0.01"), fineWei: parseEther("0.1") },
    ...{ posterFineWei: parseEther("0.1"), askedBps: 10_000, auditBps: 10_000, bountyBps: 5_000 },
    ...{ attentionBlocks: 30, revealSeconds: 100, leaveSeconds: 100_000 },
  };
  const scene = await openScene({
    ...{ exclusiveSeconds: 2, challengeWindowSeconds: 600, unbondingSeconds: 100_000, attention },
  });
  onTestFinished(() => scene.close());
  const { chain, addresses, bundle, anvil } = scene;
  const { modelId } = bundle;
  const address = addresses.attention as `0x${string}`;
  const watcher = devAccount(3).address;
  expect((await attentionParameters(chain, addresses)).attentionBlocks).toBe(30);
  await scene.enlist(1);
  await scene.sender(9).send(fundAttention(addresses, modelId, parseEther("1")));

  const dataDir = join(scene.folder, "watcher");
  const challenger = await startChallenger({ ...scene.serviceOptions(3), dataDir, attend: true });
  onTestFinished(() => challenger.stop());
  await until("the stake put up", async () => {
    return (await watcherOf(chain, addresses, modelId, watcher)).stakeWei === attention.watcherStakeWei;
  });
  const node = await startOracleNode(scene.nodeOptions(1));
  onTestFinished(() => node.stop());
  const requestId = await scene.ask(scene.input(0), 100_000);
  const assertionId = assertionIdOf(requestId, 0);
  const happened = async (
    eventName: "Attended" | "Audited" | "WatcherRewarded" | "PosterFined" | "Withdrawn",
  ) =>
    (await chain.client.getContractEvents({ address, abi: attentionTestsAbi, eventName, fromBlock: 0n }))
      .length;
  await until("attended", async () => (await happened("Attended")) === 1, 90_000);
  // The block that decides comes.
  await testClient(anvil.url).mine({ blocks: 35 });
  await until("audited", async () => (await auditOf(chain, addresses, assertionId)).auditedAt > 0, 60_000);
  const defended = async () => (await fetch(`${node.url}/metrics`)).text();
  await until("the trace shown", async () => (await defended()).includes('{kind="showTrace"} 1'), 60_000);
  await scene.advance(700);
  await until("final", async () => (await requestOf(chain, addresses, requestId)).status === "final", 60_000);
  await until("rewarded", async () => (await happened("WatcherRewarded")) === 1, 60_000);
  expect(await happened("PosterFined")).toBe(0);
  const metrics = await (await fetch(`${challenger.url}/metrics`)).text();
  for (const what of ["attended", "audited", "rewarded"])
    expect(metrics).toContain(`surety_challenger_attention_total{what="${what}"} 1`);
}, 300_000);
