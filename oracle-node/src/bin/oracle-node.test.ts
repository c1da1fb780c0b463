import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startAnvil, testClient } from "@surety/chain/testing";
import { until } from "@surety/service/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openScene, type Scene } from "../testing/scene.ts";

const ENTRY = join(import.meta.dirname, "oracle-node.ts");
let scene: Scene;
const started: Started[] = [];

beforeAll(async () => {
  scene = await openScene();
});
afterAll(async () => {
  for (const node of started) node.kill("SIGKILL");
  await scene.close();
});

interface Started {
  readonly out: () => string;
  readonly err: () => string;
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a node's process with the scene's flags and these ones. */
function run(flags: Record<string, string>, environment: Record<string, string> = {}): Started {
  const { rpcUrls, key, bundlesDir, dataDir = "" } = scene.nodeOptions(1);
  const { registry, operators, oracle, game, fromBlock } = scene.addresses;
  const deployment = join(dataDir, "deployment.json");
  writeFileSync(
    deployment,
    JSON.stringify({ registry, operators, oracle, game, startBlock: Number(fromBlock) }),
  );
  const all = {
    "rpc-url": rpcUrls.join(","),
    deployment,
    bundles: bundlesDir,
    "data-dir": dataDir,
    port: "0",
    ...flags,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const secret = key.kind === "environment" ? key.value : "";
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: { ...process.env, SURETY_PRIVATE_KEY: secret, SURETY_LOG_LEVEL: "error", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    text.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    text.err += chunk;
  });
  const node: Started = {
    out: () => text.out,
    err: () => text.err,
    exited: once(child, "close").then(([code]) => code as number | null),
    kill: (signal) => child.kill(signal),
  };
  started.push(node);
  return node;
}
const errorLines = (node: Started) =>
  node
    .err()
    .split("\n")
    .filter((line) => line.startsWith("error["));

describe("oracle-node", () => {
  it("prints one ready line and ends with 0 on SIGTERM; a second on its port ends with 1", async () => {
    const node = run({});
    const ready = await until(
      "ready line",
      async () => node.out().includes("\n") && JSON.parse(node.out()),
      60_000,
    );
    expect(ready).toMatchObject({ ready: true, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
    const second = run({ port: new URL(ready.url).port });
    expect(await second.exited).toBe(1);
    expect(errorLines(second)).toEqual([
      expect.stringMatching(/^error\[PORT_IN_USE\]: Port \d+ of 127.0.0.1 is in use/),
    ]);
    node.kill("SIGTERM");
    expect(await node.exited).toBe(0);
    expect(node.out().trim().split("\n")).toHaveLength(1);
  });

  it("ends with 1 and says so when the RPC is down, at the start or later", async () => {
    const never = run({ "rpc-url": "http://127.0.0.1:9", "rpc-give-up-ms": "500" });
    expect(await never.exited).toBe(1);
    expect(errorLines(never)).toEqual([expect.stringMatching(/^error\[RPC_UNREACHABLE\]/)]);

    const other = await openScene();
    const saved = scene;
    scene = other;
    const node = run({ "rpc-give-up-ms": "1000", "poll-ms": "100" });
    scene = saved;
    await until("ready line", async () => node.out().includes("\n"), 60_000);
    await other.anvil.stop();
    expect(await node.exited).toBe(1);
    expect(errorLines(node)).toEqual([expect.stringMatching(/^error\[RPC_UNREACHABLE\]/)]);
    await other.close();
  }, 120_000);

  it("refuses a plaintext key off a devnet, a wrong chain, contracts that are not there", async () => {
    const elsewhere = await startAnvil({ chainId: 1234 });
    const plaintext = run({ "rpc-url": elsewhere.url });
    const wrong = run({ "chain-id": "1" });
    const empty = await startAnvil();
    await testClient(empty.url).mine({ blocks: 1 });
    const missing = run({ "rpc-url": empty.url });
    const codes = await Promise.all([plaintext, wrong, missing].map(({ exited }) => exited));
    await Promise.all([elsewhere.stop(), empty.stop()]);
    expect(codes).toEqual([1, 1, 1]);
    expect(plaintext.err()).toContain("error[PLAINTEXT_KEY_REFUSED]");
    expect(wrong.err()).toContain("error[WRONG_CHAIN]");
    expect(missing.err()).toContain("error[NO_CONTRACT]");
  });

  it("ends with 2 on wrong use and names the option", async () => {
    const cases = [
      run({ port: "http" }),
      run({ fault: "layer=x" }),
      run({ bundles: "/nowhere" }),
      run({ deployment: "/nowhere.json" }),
      run({ "private-key": "0x00" }),
    ];
    expect(await Promise.all(cases.map(({ exited }) => exited))).toEqual([2, 2, 2, 2, 2]);
    expect(cases.map((node) => errorLines(node)[0])).toEqual([
      expect.stringContaining('--port "http" is not a whole number'),
      expect.stringContaining("layer=I,element=J"),
      expect.stringContaining("There is no compiled model in /nowhere"),
      expect.stringContaining("/nowhere.json cannot be read"),
      expect.stringContaining("--private-key"),
    ]);
  });
});
