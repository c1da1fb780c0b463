import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { requestOf } from "@surety/chain";
import { devPrivateKey, startRpcProxy } from "@surety/chain/testing";
import { parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { openScene, type Scene } from "../../oracle-node/src/testing/scene.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const SURETY = path.join(import.meta.dirname, "../../cli/bin/surety.js");
const TOKEN = "token of the node's API";
let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 10 });
  await scene.enlist(1);
  const { registry, operators, oracle, game } = scene.addresses;
  writeFileSync(
    path.join(scene.folder, "deployment.json"),
    JSON.stringify({ registry, operators, oracle, game }),
  );
});
afterAll(() => scene.close());

/** Options of the node of development account `index`, on a data directory. */
function flags(dataDir: string, rpcUrl = scene.anvil.url): string[] {
  const all = {
    "rpc-url": rpcUrl,
    deployment: path.join(scene.folder, "deployment.json"),
    bundles: scene.bundlesDir,
    "data-dir": dataDir,
    "poll-ms": "100",
    port: "0",
  };
  return Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
}

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly exited: Promise<number | null>;
}

function surety(args: readonly string[], account = 1): Run {
  const child = spawn(process.execPath, [SURETY, ...args], {
    env: { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(account), SURETY_API_TOKEN: TOKEN },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const text = { out: "", err: "" };
  child.stdout?.on("data", (chunk) => {
    text.out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    text.err += chunk;
  });
  const exited = once(child, "close").then(([code]) => code as number | null);
  return { child, out: () => text.out, err: () => text.err, exited };
}

describe("surety node doctor", () => {
  it("finds a node fit that is, and says what to mend where it is not", async () => {
    const good = surety(["node", "doctor", ...flags(scene.dataDir())]);
    expect(await good.exited, good.out() + good.err()).toBe(0);
    expect(good.out()).toContain("Fit to start");
    for (const check of [
      "rpc",
      "contracts",
      "key",
      "balance",
      "secrets",
      "disk",
      "port",
      "clock",
      "cpu",
      "models",
      "stake",
      "store",
      "queue",
    ]) {
      expect(good.out()).toMatch(new RegExp(`^(ok|warn) +${check}: `, "m"));
    }

    // A challenger needs no stake and no queue, and money for its games.
    const challenger = surety(["challenger", "doctor", ...flags(scene.dataDir())], 3);
    expect(await challenger.exited, challenger.out() + challenger.err()).toBe(0);
    for (const check of ["rpc", "clock", "contracts", "key", "balance", "disk", "models", "games", "store"])
      expect(challenger.out()).toMatch(new RegExp(`^(ok|warn) +${check}: `, "m"));

    // An account without a stake; a bundle with a byte changed; one of two RPCs is away.
    const spoilt = path.join(scene.folder, "spoilt");
    cpSync(scene.bundlesDir, spoilt, { recursive: true });
    writeFileSync(path.join(spoilt, "mnist", "model.onnx"), "no model");
    const proxy = await startRpcProxy(scene.anvil.url);
    onTestFinished(() => proxy.close());
    proxy.misbehave({ kind: "status", status: 503 });
    const args = [
      ...flags(scene.dataDir(), `${scene.anvil.url},${proxy.url}`),
      "--bundles",
      spoilt,
      "--json",
    ];
    const bad = surety(["node", "doctor", ...args], 7);
    expect(await bad.exited, bad.err()).toBe(1);
    const findings: { check: string; verdict: string }[] = JSON.parse(bad.out());
    const verdicts = findings.map(({ check, verdict }) => `${check} ${verdict}`);
    expect(verdicts).toContain("rpc good");
    expect(verdicts).toContain("rpc warning");
    expect(verdicts).toContain("models bad");
    expect(verdicts).toContain("stake unknown");
    const poor = surety(["node", "doctor", ...flags(scene.dataDir()), "--json"], 7);
    expect(await poor.exited).toBe(1);
    expect(JSON.parse(poor.out())).toContainEqual(
      expect.objectContaining({
        check: "stake",
        verdict: "bad",
        mend: expect.stringContaining("deposit at least"),
      }),
    );
  });
});

describe("surety node drain", () => {
  it("has the node finish what it answered and answer nothing new, then end with 0", async () => {
    const dataDir = scene.dataDir();
    const statusOf = async (id: bigint) =>
      (await requestOf(scene.chain, scene.addresses, parseRequestId(id))).status;
    let node = surety(["node", "start", ...flags(dataDir)]);
    const urlOf = (run: Run) =>
      until("ready", async () => run.out().includes("\n") && JSON.parse(run.out()).url, 120_000);
    const first = await scene.ask(scene.input(0));
    let url: string = await urlOf(node);
    await until("posted", async () => (await statusOf(first)) === "asserted", 60_000);
    const refused = await fetch(`${url}/v1/drain`, { method: "POST" });
    expect(refused.status).toBe(401);

    const waiting = surety(["node", "drain", "--url", url, "--no-wait"]);
    expect(await waiting.exited, waiting.err()).toBe(0);
    expect(waiting.out()).toContain("open: 1 answers, 0 games");
    const second = await scene.ask(scene.input(1));
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);

    // A drain outlives the process.
    node.child.kill("SIGKILL");
    await node.exited;
    node = surety(["node", "start", ...flags(dataDir)]);
    url = await urlOf(node);
    const drained = surety(["node", "drain", "--url", url, "--stop"]);
    expect(await drained.exited, drained.err()).toBe(0);
    expect(drained.out()).toContain("nothing is open");
    expect(await node.exited).toBe(0);
    expect([await statusOf(first), await statusOf(second)]).toEqual(["final", "open"]);

    // Started again it works again.
    node = surety(["node", "start", ...flags(dataDir)]);
    await until("second final", async () => (await statusOf(second)) === "final", 150_000);
  });
});
