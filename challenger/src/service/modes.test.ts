import { join } from "node:path";
import {
  assertionOf,
  DEVNET_PARAMETERS,
  decodeLogs,
  findLog,
  gameOf,
  openGame,
  requestCount,
} from "@surety/chain";
import { devAccount, testClient } from "@surety/chain/testing";
import { type CommittedTrace, questionAsked } from "@surety/engine";
import {
  type AssertionId,
  type GameId,
  liveDigitAbi,
  liveDigitBytecode,
  parseGameId,
  parseRequestId,
} from "@surety/protocol";
import { openScene, type Scene, until } from "@surety/service/testing";
import { bytesToHex, createWalletClient, encodeFunctionData, http, parseEther } from "viem";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { createOwnRun } from "../dispute/own-run.ts";
import { nextMove } from "../dispute/strategy.ts";
import { toCall } from "../dispute/to-call.ts";
import { openStore } from "../store/store.ts";
import { createTestPoster } from "../testing/test-poster.ts";
import { startWebhook } from "../testing/webhook.ts";
import { type RunningChallenger, startChallenger } from "./start-challenger.ts";

const CHALLENGER = 3;
// A busy machine takes several times as long.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });
let scene: Scene;
let input: Uint8Array;
let poster: ReturnType<typeof createTestPoster>;
let hook: Awaited<ReturnType<typeof startWebhook>>;
let running: RunningChallenger | undefined;
let stores = 0;

beforeAll(async () => {
  scene = await openScene({ challengeWindowSeconds: 600, clockSeconds: 120, unbondingSeconds: 100_000 });
  input = scene.input(0);
  poster = createTestPoster({ ...scene, transactions: scene.sender(1) });
  await poster.join(2n * DEVNET_PARAMETERS.minStakeWei);
  hook = await startWebhook();
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  hook.events.length = 0;
});
afterAll(async () => {
  hook?.close();
  await scene?.close();
});

async function start(changed: Partial<Parameters<typeof startChallenger>[0]> = {}): Promise<void> {
  running = await startChallenger({
    ...scene.serviceOptions(CHALLENGER),
    dataDir: join(scene.folder, `modes-${stores++}`),
    startBlock: await scene.chain.client.getBlockNumber(),
    pollMs: 50,
    webhook: { url: hook.url, secret: "a secret of thirty-two characters" },
    ...changed,
  });
}
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${running?.url}/metrics`)).text();
  const line = text.split("\n").find((entry) => entry.startsWith(name));
  return Number(line?.split(" ").at(-1) ?? 0);
}
const counts = (name: string, least = 1) => until(name, async () => (await metric(name)) >= least, 90_000);
const openGames = async (id: AssertionId) => (await assertionOf(scene.chain, scene.addresses, id)).openGames;
const lie = (layer: number) => poster.trace(input, { layer, at: 3 });
const post = async (trace: CommittedTrace) => poster.post(await scene.ask(input, 100_000), trace);
const nonce = () => scene.chain.client.getTransactionCount({ address: devAccount(CHALLENGER).address });

it("checks what the policy wants, and after a restart with another policy what it left out", async () => {
  const dataDir = join(scene.folder, "policy");
  const startBlock = await scene.chain.client.getBlockNumber();
  await start({ dataDir, startBlock, policy: { models: [] }, watchOnly: true });
  await post(poster.trace(input));
  await counts('surety_challenger_skipped_total{why="model"}');
  await running?.stop();
  // A least bond of 1 stands for a value of at most 10.
  await start({ dataDir, startBlock, policy: { minValueWei: parseEther("11") }, watchOnly: true });
  await counts('surety_challenger_skipped_total{why="value"}');
  await running?.stop();
  await start({ dataDir, startBlock, policy: { minValueWei: parseEther("10") }, watchOnly: true });
  await counts('surety_challenger_verified_total{finding="right"}');
});

it("watches only, or rehearses, without sending anything", async () => {
  const before = await nonce();
  const startBlock = await scene.chain.client.getBlockNumber();
  await start({ watchOnly: true, startBlock });
  const wrong = await post(lie(2));
  await until("the wrong answer told", async () => hook.events.includes("wrong-answer"), 90_000);
  await running?.stop();
  await start({ dryRun: true, startBlock });
  await counts('surety_challenger_moves_total{kind="rehearsed"}');
  expect(await openGames(wrong)).toBe(0);
  expect(await nonce()).toBe(before);
  expect(hook.events).not.toContain("dispute-opened");
});

it("opens only what it can pay for to the end, besides the games under way, a restart included", async () => {
  const address = devAccount(CHALLENGER).address;
  const setBalance = (value: bigint) => testClient(scene.anvil.url).setBalance({ address, value });
  const dataDir = join(scene.folder, "reserve");
  const startBlock = await scene.chain.client.getBlockNumber();
  // A game of the MNIST model takes some two million gas at some gwei, and its bond: enough for one, not for two.
  const { maxFeePerGas } = await scene.chain.client.estimateFeesPerGas();
  await setBalance(DEVNET_PARAMETERS.challengeBondWei + 6_000_000n * maxFeePerGas);
  const wrong = [await post(lie(1)), await post(lie(4))];
  await start({ dataDir, startBlock });
  const opened = async () => (await Promise.all(wrong.map(openGames))).filter((games) => games > 0).length;
  await until("one game", async () => (await opened()) === 1, 90_000);
  await until("the want of money told", async () => hook.events.includes("reserve-too-low"), 90_000);
  await running?.stop();
  // One more bond and some gas: what the first game may still take is not there for the second.
  const gasLeft = 2_000_000n * maxFeePerGas;
  await setBalance(DEVNET_PARAMETERS.challengeBondWei + gasLeft);
  await start({ dataDir, startBlock });
  await counts('surety_challenger_errors_total{code="RESERVE_TOO_LOW"}');
  expect(await opened()).toBe(1);
  await setBalance(parseEther("100"));
  await until("the second game", async () => (await opened()) === 2, 60_000);
});

it("answers for a poster that is gone, when asked to, and ends the game for it", async () => {
  const { chain, addresses, bundle } = scene;
  const honest = poster.trace(input);
  await start({ defend: [devAccount(1).address] });
  const right = await post(honest);
  await counts('surety_challenger_verified_total{finding="right"}');
  // A challenger that has another run, and walks down to the bytes by it.
  const rival = scene.sender(7);
  const { outputRoot } = await assertionOf(chain, addresses, right);
  const question = questionAsked(bundle, input);
  const bondWei = DEVNET_PARAMETERS.challengeBondWei;
  const receipt = await rival.send(
    openGame(addresses, { assertionId: right, question, outputRoot, bondWei }),
  );
  const opened = findLog(decodeLogs(addresses, receipt.logs), "game", "GameOpened");
  const gameId: GameId = parseGameId(opened?.args.gameId ?? 0n);
  await poster.defend(gameId, right, honest);

  const bent = lie(2);
  const own = createOwnRun({
    program: bundle.encodedInstructions,
    weights: bundle.weights,
    inputs: [input],
    tensors: Array.from({ length: bent.count }, (_, i) => bent.tensorBytes(i)),
  });
  const seen = openStore({ dataDir: ":memory:", deployment: "test" });
  const view = () => gameOf(chain, addresses, gameId);
  /** The rival's move, by what stands revealed. */
  async function rivalMoves(): Promise<boolean> {
    const logs = await chain.client.getLogs({ address: addresses.game, fromBlock: receipt.blockNumber });
    const block = { number: 1n, hash: `0x${"0".repeat(64)}` as const };
    const cursor = [block] as const;
    const decoded = decodeLogs(addresses, logs);
    seen.apply({ type: "block", block: { ...block, timestamp: 0n, isHead: true }, logs: decoded, cursor });
    const move = nextMove({
      ...{ view: await view(), own, revealed: seen.revealed(right) },
      traceRoot: `0x${Buffer.from(honest.root).toString("hex")}`,
    });
    const call = move.kind === "step" ? undefined : toCall(addresses, gameId, bundle.header, move);
    if (call !== undefined) await rival.send(call);
    return call !== undefined;
  }
  while (!((await view()).phase === "tensor" && (await view()).turn === "challenger")) {
    if (await rivalMoves()) {
      // The poster has been silent for more than half of its clock.
      await scene.advance(30);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await metric('surety_challenger_defence_moves_total{kind="game.reveal')).toBeGreaterThan(0);
  // The rival cannot step where it is wrong: its clock runs out.
  await scene.advance(400);
  await until("the game ended", async () => (await view()).phase === "poster-won", 90_000);
  await until("told", async () => hook.events.includes("defended"));
  seen.close();
});

it("tells a consumer that the answer it took was refuted, when asked to", async () => {
  const { chain, addresses, bundle, anvil } = scene;
  const wallet = createWalletClient({ account: devAccount(8), transport: http(anvil.url) });
  const hash = await wallet.deployContract({
    abi: liveDigitAbi,
    bytecode: liveDigitBytecode,
    args: [addresses.oracle, bundle.modelId],
    chain: null,
  });
  const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
  const live = { address: contractAddress as `0x${string}`, abi: liveDigitAbi } as const;
  await start({ deliver: true });
  const { timestamp } = await chain.client.getBlock();
  await scene.sender(8).send({
    what: "live.readDigit",
    to: live.address,
    data: encodeFunctionData({
      abi: liveDigitAbi,
      functionName: "readDigit",
      args: [bytesToHex(input), Number(timestamp) + 100_000],
    }),
    valueWei: await chain.client.readContract({ ...live, functionName: "feeWei" }),
  });
  const wrong = await poster.post(parseRequestId(await requestCount(chain, addresses)), lie(3));
  await until("the dispute", async () => (await openGames(wrong)) > 0, 60_000);
  // The poster is silent: its clock runs out.
  await scene.advance(200);
  const told = async () =>
    (await chain.client.getContractEvents({ ...live, fromBlock: 0n })).map(({ eventName }) => eventName);
  await until("taken back", async () => (await told()).includes("TakenBack"), 60_000);
  expect(await told()).toEqual(["Read", "TakenBack"]);
});
