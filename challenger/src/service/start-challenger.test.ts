import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  assertionOf,
  type Chain,
  claimTimeout,
  createTransactionManager,
  DEVNET_PARAMETERS,
  decodeLogs,
  deploySurety,
  findLog,
  openChain,
  openGame,
  quoteWei,
  registerModel,
  requestInference,
  type SuretyDeployment,
} from "@surety/chain";
import { type Anvil, devAccount, devPrivateKey, startAnvil } from "@surety/chain/testing";
import {
  type Bundle,
  compileModel,
  LEAF_BYTES as ENGINE_LEAF_BYTES,
  inputsToBytes,
  modelInputs,
  questionAsked,
  readInputs,
  writeBundle,
} from "@surety/engine";
import {
  type AssertionId,
  BYTES_HEIGHT,
  disputeGameAbi,
  LEAF_BYTES,
  parseGameId,
  parseRequestId,
  REVEAL_LEVELS,
  type RequestId,
} from "@surety/protocol";
import { createTestClient, createWalletClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestPoster } from "../testing/test-poster.ts";
import { type RunningChallenger, startChallenger } from "./start-challenger.ts";

const FIXTURES = join(import.meta.dirname, "../../../fixtures/mnist");
const BIN = join(import.meta.dirname, "../bin/challenger.ts");
const folder = mkdtempSync(join(tmpdir(), "surety-challenger-"));
let anvil: Anvil;
let chain: Chain;
let addresses: SuretyDeployment;
let bundle: Bundle;
let input: Uint8Array;
let poster: ReturnType<typeof createTestPoster>;
let running: RunningChallenger | undefined;

function managerOf(index: number) {
  return createTransactionManager({ chain, account: devAccount(index) });
}

async function ask(): Promise<RequestId> {
  const feeWei = await quoteWei(chain, addresses, bundle.modelId, 0);
  const { timestamp } = await chain.client.getBlock();
  const call = { modelId: bundle.modelId, input, feeWei, deadline: Number(timestamp) + 100_000 };
  const receipt = await managerOf(2).send(requestInference(addresses, call));
  const requested = findLog(decodeLogs(addresses, receipt.logs), "oracle", "Requested");
  return parseRequestId(requested?.args.requestId ?? 0n);
}

async function advance(seconds: number): Promise<void> {
  const test = createTestClient({ mode: "anvil", transport: http(anvil.url) });
  await test.increaseTime({ seconds });
  await test.mine({ blocks: 1 });
}

/** A staked poster on a development account; the exclusive time of who would be assigned is over when it posts. */
async function newPoster(index: number) {
  const transactions = managerOf(index);
  const made = createTestPoster({ chain, addresses, transactions, bundle });
  await made.join(DEVNET_PARAMETERS.minStakeWei);
  return {
    ...made,
    async post(...parameters: Parameters<typeof made.post>) {
      await advance(DEVNET_PARAMETERS.exclusiveSeconds + 1);
      return made.post(...parameters);
    },
  };
}

function start(): Promise<RunningChallenger> {
  return startChallenger({
    rpcUrl: anvil.url,
    addresses,
    key: { kind: "environment", value: devPrivateKey(3) },
    bundlesDir: folder,
    dataDir: join(folder, "store"),
    port: 0,
    pollMs: 50,
    logLevel: "silent",
  });
}

interface GameJson {
  readonly gameId: string;
  readonly assertionId: string;
  readonly outcome: string;
}

async function games(): Promise<GameJson[]> {
  const response = await fetch(`${running?.url}/v1/games`);
  return ((await response.json()) as { games: GameJson[] }).games;
}

async function until<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`Not seen in 15 s: ${what}`);
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${running?.url}/metrics`)).text();
  const line = text.split("\n").find((entry) => entry.startsWith(name));
  return Number(line?.split(" ").at(-1) ?? 0);
}

beforeAll(async () => {
  const model = readFileSync(join(FIXTURES, "mnist-8.onnx"));
  const calibration = readInputs(join(FIXTURES, "train-1000-images-idx3-ubyte.gz"), modelInputs(model));
  bundle = await compileModel({ model, calibration: calibration.slice(0, 16) });
  writeBundle(bundle, join(folder, "mnist"));
  const [sample] = readInputs(join(FIXTURES, "test_data_set_0"), bundle.manifest.inputs);
  input = Buffer.concat(inputsToBytes(bundle, sample ?? {}));
  anvil = await startAnvil();
  chain = await openChain({ rpcUrl: anvil.url, pollMs: 20 });
  const wallet = createWalletClient({ account: devAccount(0), transport: http(anvil.url) });
  addresses = await deploySurety(wallet, chain.client, {
    ...DEVNET_PARAMETERS,
    challengeWindowSeconds: 600,
    clockSeconds: 120,
    unbondingSeconds: 100_000,
  });
  poster = createTestPoster({ chain, addresses, transactions: managerOf(1), bundle });
  await managerOf(0).send(registerModel(addresses, bundle.header, ""));
  await poster.join(DEVNET_PARAMETERS.minStakeWei);
  running = await start();
});

afterAll(async () => {
  await running?.stop();
  await anvil?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("startChallenger", () => {
  it("leaves a right answer alone, refutes a wrong one across a restart in mid-game, and takes its reward home", async () => {
    const right = await poster.post(await ask(), poster.trace(input));
    await until("the right answer verified", async () =>
      (await metric('surety_challenger_verified_total{finding="right"}')) > 0 ? true : undefined,
    );
    expect(await games()).toEqual([]);

    const trace = poster.trace(input, { layer: 2, at: 40 });
    const wrong = await poster.post(await ask(), trace);
    const game = await until("a game on the wrong answer", async () => (await games())[0]);
    expect(game).toMatchObject({ assertionId: String(wrong), outcome: "live" });
    const gameId = parseGameId(game.gameId);
    await until("the poster's first move", async () =>
      (await poster.defend(gameId, wrong, trace)) ? true : undefined,
    );

    await running?.stop();
    running = await start();
    for (;;) {
      const [seen] = await games();
      if (seen !== undefined && seen.outcome !== "live") break;
      await poster.defend(gameId, wrong, trace);
      await sleep(50);
    }
    expect(await games()).toMatchObject([{ gameId: game.gameId, outcome: "challenger-won" }]);
    expect((await assertionOf(chain, addresses, wrong)).refuted).toBe(true);
    expect((await assertionOf(chain, addresses, right)).refuted).toBe(false);
    await until("the reward withdrawn", async () =>
      (await metric("surety_challenger_withdrawn_wei_total")) > 0 ? true : undefined,
    );
    expect(await metric("surety_challenger_live_games")).toBe(0);
  });

  it("plays several games at once and claims the clocks of a poster that is gone", async () => {
    const idle = await newPoster(5);
    const wrong: AssertionId[] = [];
    for (const layer of [1, 4]) wrong.push(await idle.post(await ask(), idle.trace(input, { layer, at: 3 })));
    const playing = () =>
      games().then((all) => all.filter((game) => wrong.map(String).includes(game.assertionId)));
    await until("two games", async () => ((await playing()).length === 2 ? true : undefined));
    await advance(200);
    await until("both won", async () =>
      (await playing()).every(({ outcome }) => outcome === "challenger-won") ? true : undefined,
    );
  });

  it("takes its bond back when another challenger was first", async () => {
    const idle = await newPoster(6);
    const wrong = await idle.post(await ask(), idle.trace(input, { layer: 3, at: 0 }));
    const own = () => games().then((all) => all.find((game) => game.assertionId === String(wrong)));
    await until("the own game", own);
    await running?.stop();
    const rival = managerOf(7);
    const { outputRoot } = await assertionOf(chain, addresses, wrong);
    const question = questionAsked(bundle, input);
    const bondWei = DEVNET_PARAMETERS.challengeBondWei;
    const opened = await rival.send(
      openGame(addresses, { assertionId: wrong, question, outputRoot, bondWei }),
    );
    const game = findLog(decodeLogs(addresses, opened.logs), "game", "GameOpened");
    await advance(200);
    await rival.send(claimTimeout(addresses, parseGameId(game?.args.gameId ?? 0n)));
    running = await start();
    await until("the void game closed", async () => ((await own())?.outcome === "void" ? true : undefined));
  });

  it("walks by the constants of the deployed contract and of the engine", async () => {
    const game = { address: addresses.game, abi: disputeGameAbi } as const;
    expect(await chain.client.readContract({ ...game, functionName: "REVEAL_LEVELS" })).toBe(
      BigInt(REVEAL_LEVELS),
    );
    expect(await chain.client.readContract({ ...game, functionName: "BYTES_HEIGHT" })).toBe(
      BigInt(BYTES_HEIGHT),
    );
    expect(LEAF_BYTES).toBe(ENGINE_LEAF_BYTES);
  });

  it("says it is live and ready, and refuses a second process on its store", async () => {
    expect((await fetch(`${running?.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${running?.url}/health/ready`)).status).toBe(200);
    await expect(start()).rejects.toMatchObject({ code: "STORE_LOCKED" });
  });

  it("runs as a process of its own: says where it is, and leaves with 0 on SIGTERM", async () => {
    const deployment = join(folder, "deployment.json");
    writeFileSync(deployment, JSON.stringify({ ...addresses, fromBlock: undefined }));
    const child = spawn(
      process.execPath,
      [
        ...[BIN, "--rpc-url", anvil.url, "--deployment", deployment, "--bundles", folder, "--port", "0"],
        ...["--data-dir", join(folder, "store-2"), "--log-level", "warn"],
      ],
      { env: { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(4) }, stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { ready, url } = JSON.parse(line) as { ready: boolean; url: string };
    expect(ready).toBe(true);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });

  it("ends with one coded line when it is used wrongly", async () => {
    const child = spawn(process.execPath, [BIN, "--deployment", join(folder, "none.json")], {
      stdio: "pipe",
    });
    const [line] = (await once(createInterface({ input: child.stderr }), "line")) as [string];
    expect(line).toMatch(/^error\[OPTION_INVALID\]: The deployment file .* cannot be read/);
    expect(await once(child, "exit")).toEqual([2, null]);
  });
});
