import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { assertionOf, claimTimeout, DEVNET_PARAMETERS, decodeLogs, findLog, openGame } from "@surety/chain";
import { devPrivateKey, startAnvil, testClient } from "@surety/chain/testing";
import { LEAF_BYTES as ENGINE_LEAF_BYTES, questionAsked } from "@surety/engine";
import {
  type AssertionId,
  BYTES_HEIGHT,
  disputeGameAbi,
  itemIdOf,
  LEAF_BYTES,
  parseGameId,
  REVEAL_LEVELS,
} from "@surety/protocol";
import { openScene, type Scene, until } from "@surety/service/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createTestPoster } from "../testing/test-poster.ts";
import { type RunningChallenger, startChallenger } from "./start-challenger.ts";

const BIN = join(import.meta.dirname, "../bin/challenger.ts");
// A busy machine takes several times as long.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });
let scene: Scene;
let input: Uint8Array;
let poster: ReturnType<typeof createTestPoster>;
let running: RunningChallenger | undefined;

const ask = () => scene.ask(input, 100_000);

/** A staked poster on a development account; the exclusive time of who would be assigned is over when it posts. */
async function newPoster(index: number) {
  const made = createTestPoster({ ...scene, transactions: scene.sender(index) });
  await made.join(DEVNET_PARAMETERS.minStakeWei);
  return {
    ...made,
    async post(...parameters: Parameters<typeof made.post>) {
      await scene.advance(DEVNET_PARAMETERS.exclusiveSeconds + 1);
      return made.post(...parameters);
    },
  };
}

function start(changed: Partial<Parameters<typeof startChallenger>[0]> = {}): Promise<RunningChallenger> {
  return startChallenger({
    ...scene.serviceOptions(3),
    dataDir: join(scene.folder, "store"),
    pollMs: 50,
    ...changed,
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

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${running?.url}/metrics`)).text();
  const line = text.split("\n").find((entry) => entry.startsWith(name));
  return Number(line?.split(" ").at(-1) ?? 0);
}

beforeAll(async () => {
  scene = await openScene({ challengeWindowSeconds: 600, clockSeconds: 120, unbondingSeconds: 100_000 });
  input = scene.input(0);
  poster = createTestPoster({ ...scene, transactions: scene.sender(1) });
  await poster.join(DEVNET_PARAMETERS.minStakeWei);
  running = await start();
});

afterAll(async () => {
  await running?.stop();
  await scene?.close();
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
    expect((await assertionOf(scene.chain, scene.addresses, wrong)).refuted).toBe(true);
    expect((await assertionOf(scene.chain, scene.addresses, right)).refuted).toBe(false);
    await until("the reward withdrawn", async () =>
      (await metric("surety_challenger_withdrawn_wei_total")) > 0 ? true : undefined,
    );
    expect(await metric("surety_challenger_live_games")).toBe(0);
  });

  it("disputes the one wrong item of a batch, by that item's run alone", async () => {
    const liar = await newPoster(4);
    const inputs = [0, 1, 2].map((index) => scene.input(index));
    const lying = 1;
    const traces = inputs.map((one, item) =>
      liar.trace(one, item === lying ? { layer: 2, at: 40 } : undefined),
    );
    const assertionId = await liar.post(await scene.askBatch(inputs), ...traces);
    const itemId = itemIdOf(assertionId, lying);
    const game = await until("a game on the item", async () =>
      (await games()).find((one) => one.assertionId === String(itemId)),
    );
    for (;;) {
      const seen = (await games()).find(({ gameId }) => gameId === game.gameId);
      if (seen !== undefined && seen.outcome !== "live") break;
      await liar.defend(parseGameId(game.gameId), itemId, traces[lying] as (typeof traces)[0]);
      await sleep(50);
    }
    expect((await games()).find(({ gameId }) => gameId === game.gameId)?.outcome).toBe("challenger-won");
    expect((await assertionOf(scene.chain, scene.addresses, assertionId)).refuted).toBe(true);
  });

  it("plays several games at once and claims the clocks of a poster that is gone", async () => {
    const idle = await newPoster(5);
    const wrong: AssertionId[] = [];
    for (const layer of [1, 2, 3, 4])
      wrong.push(await idle.post(await ask(), idle.trace(input, { layer, at: 3 })));
    const playing = () =>
      games().then((all) => all.filter((game) => wrong.map(String).includes(game.assertionId)));
    await until("four games", async () => ((await playing()).length === 4 ? true : undefined));
    await scene.advance(200);
    await until("all won", async () =>
      (await playing()).every(({ outcome }) => outcome === "challenger-won") ? true : undefined,
    );
  });

  it("takes its bond back when another challenger was first", async () => {
    const idle = await newPoster(6);
    const wrong = await idle.post(await ask(), idle.trace(input, { layer: 3, at: 0 }));
    const own = () => games().then((all) => all.find((game) => game.assertionId === String(wrong)));
    await until("the own game", own);
    await running?.stop();
    const rival = scene.sender(7);
    const { outputRoot } = await assertionOf(scene.chain, scene.addresses, wrong);
    const question = questionAsked(scene.bundle, input);
    const bondWei = DEVNET_PARAMETERS.challengeBondWei;
    const opened = await rival.send(
      openGame(scene.addresses, { assertionId: wrong, question, outputRoot, bondWei }),
    );
    const game = findLog(decodeLogs(scene.addresses, opened.logs), "game", "GameOpened");
    await scene.advance(200);
    await rival.send(claimTimeout(scene.addresses, parseGameId(game?.args.gameId ?? 0n)));
    running = await start();
    await until("the void game closed", async () => ((await own())?.outcome === "void" ? true : undefined));
  });

  it("disputes on a chain whose blocks come faster than it looks", async () => {
    await running?.stop();
    const fast = testClient(scene.anvil.url);
    const mining = setInterval(() => fast.mine({ blocks: 1 }).catch(() => {}), 100);
    try {
      running = await start({ dataDir: join(scene.folder, "fast"), pollMs: 1_000 });
      const idle = await newPoster(8);
      const wrong = await idle.post(await ask(), idle.trace(input, { layer: 4, at: 7 }));
      await until("a game", async () => (await games()).some((game) => game.assertionId === String(wrong)));
    } finally {
      clearInterval(mining);
    }
    // The tests that follow are about the store that all others use.
    await running?.stop();
    running = await start();
  });

  it("walks by the constants of the deployed contract and of the engine", async () => {
    const game = { address: scene.addresses.game, abi: disputeGameAbi } as const;
    expect(await scene.chain.client.readContract({ ...game, functionName: "REVEAL_LEVELS" })).toBe(
      BigInt(REVEAL_LEVELS),
    );
    expect(await scene.chain.client.readContract({ ...game, functionName: "BYTES_HEIGHT" })).toBe(
      BigInt(BYTES_HEIGHT),
    );
    expect(LEAF_BYTES).toBe(ENGINE_LEAF_BYTES);
  });

  it("says it is live and ready, and refuses a second process on its store", async () => {
    expect((await fetch(`${running?.url}/health/live`)).status).toBe(200);
    const ready = await until("a challenger that is ready", async () => {
      const answer = await fetch(`${running?.url}/health/ready`);
      return answer.status === 200 ? answer.json() : undefined;
    });
    expect(ready).toMatchObject({ ready: true, checks: { chain: true, store: true } });
    await expect(start()).rejects.toMatchObject({ code: "STORE_LOCKED" });
  });

  it("refuses a port in use and lets go of its store", async () => {
    const port = Number(new URL(running?.url ?? "").port);
    const dataDir = join(scene.folder, "store-port");
    await expect(start({ port, dataDir })).rejects.toMatchObject({ code: "PORT_IN_USE" });
    const other = await start({ dataDir });
    await other.stop();
  });

  it("refuses a plaintext key off a development chain, and another chain than it was told", async () => {
    const elsewhere = await startAnvil({ chainId: 1234 });
    try {
      const dataDir = join(scene.folder, "store-key");
      await expect(start({ rpcUrls: [elsewhere.url], dataDir })).rejects.toMatchObject({
        code: "PLAINTEXT_KEY_REFUSED",
      });
      await expect(start({ chainId: 1, dataDir })).rejects.toMatchObject({ code: "WRONG_CHAIN" });
    } finally {
      await elsewhere.stop();
    }
  });

  it("runs as a process of its own: killed in mid-game it goes on where the game stands, and leaves with 0 on SIGTERM", async () => {
    const deployment = join(scene.folder, "deployment.json");
    writeFileSync(deployment, JSON.stringify({ ...scene.addresses, fromBlock: undefined }));
    await running?.stop();
    running = undefined;
    const startProcess = async () => {
      const child = spawn(
        process.execPath,
        [
          ...[BIN, "--rpc-url", scene.anvil.url, "--deployment", deployment, "--bundles", scene.bundlesDir],
          ...["--data-dir", join(scene.folder, "store-2"), "--port", "0", "--log-level", "warn"],
        ],
        {
          env: { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(4) },
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      onTestFinished(() => void child.kill("SIGKILL"));
      const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
      const { ready, url } = JSON.parse(line) as { ready: boolean; url: string };
      expect(ready).toBe(true);
      return { child, url, exited: once(child, "exit") };
    };
    const first = await startProcess();
    expect((await fetch(`${first.url}/health/live`)).status).toBe(200);
    const liar = await newPoster(2);
    const trace = liar.trace(input, { layer: 5, at: 2 });
    const wrong = await liar.post(await ask(), trace);
    const gameOn = async (url: string) => {
      const { games: all } = (await (await fetch(`${url}/v1/games`)).json()) as { games: GameJson[] };
      return all.find(({ assertionId }) => assertionId === String(wrong));
    };
    const game = await until("its game", () => gameOn(first.url), 60_000);
    const gameId = parseGameId(game.gameId);
    await until("the poster's first move", () => liar.defend(gameId, wrong, trace));
    first.child.kill("SIGKILL");
    await first.exited;

    const second = await startProcess();
    await until(
      "the game won",
      async () => {
        if ((await gameOn(second.url))?.outcome === "challenger-won") return true;
        await liar.defend(gameId, wrong, trace);
        return false;
      },
      90_000,
    );
    second.child.kill("SIGTERM");
    expect(await second.exited).toEqual([0, null]);
  });

  it("ends with one coded line when it is used wrongly", async () => {
    const child = spawn(process.execPath, [BIN, "--deployment", join(scene.folder, "none.json")], {
      stdio: "pipe",
    });
    const [line] = (await once(createInterface({ input: child.stderr }), "line")) as [string];
    expect(line).toMatch(/^error\[OPTION_INVALID\]: The deployment file .* cannot be read/);
    expect(await once(child, "exit")).toEqual([2, null]);
  });
});
