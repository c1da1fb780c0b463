import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { requestOf } from "@surety/chain";
import { devPrivateKey, startRpcProxy } from "@surety/chain/testing";
import { parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { createWorkerMetrics } from "../../oracle-node/src/metrics/worker-metrics.ts";
import { openScene, type Scene } from "../../oracle-node/src/testing/scene.ts";
import { DEPLOY, exportedMetrics, expressions, metricsOf, readDashboard } from "../support/promql.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 600_000 });
const SURETY = path.join(import.meta.dirname, "../../cli/bin/surety.js");
const API_TOKEN = "a-token-of-the-test";
const RPC_KEY = "the-key-of-an-rpc";

interface Service {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it logged so far. */
  readonly log: () => string;
}

let scene: Scene;
let rpc: Awaited<ReturnType<typeof startRpcProxy>>;
let node: Service;
let challenger: Service;
let requestId: string;

async function start(account: number, args: readonly string[]): Promise<Service> {
  const all = [
    ...[...args, "--rpc-url", `${rpc.url}/?apikey=${RPC_KEY}`, "--bundles", scene.bundlesDir],
    ...["--deployment", path.join(scene.folder, "deployment.json"), "--data-dir", scene.dataDir()],
    ...["--poll-ms", "100", "--port", "0", "--rpc-give-up-ms", "300000", "--self-test-seconds", "1"],
  ];
  const child = spawn(process.execPath, [SURETY, ...all], {
    env: { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(account), SURETY_API_TOKEN: API_TOKEN },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`it ended with ${code}: ${log}`)),
  );
  ended.catch(() => {});
  const [line] = await Promise.race([once(child.stdout, "data"), ended]);
  return { child, url: JSON.parse(String(line)).url, log: () => log };
}

const linesOf = ({ log }: Service): Record<string, unknown>[] =>
  log()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const metricsText = async ({ url }: Service) => (await fetch(`${url}/metrics`)).text();
async function readiness({ url }: Service) {
  const response = await fetch(`${url}/health/ready`);
  const { checks } = (await response.json()) as { checks: Record<string, boolean> };
  return { status: response.status, checks };
}

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 15 });
  const { registry, operators, oracle, game } = scene.addresses;
  const addresses = { registry, operators, oracle, game };
  writeFileSync(path.join(scene.folder, "deployment.json"), JSON.stringify(addresses));
  await scene.enlist(1);
  rpc = await startRpcProxy(scene.anvil.url);
  [node, challenger] = await Promise.all([
    start(1, ["node", "start", "--explorer-port", "0"]),
    start(4, ["challenger", "start"]),
  ]);
  requestId = String(await scene.ask(scene.input(0)));
  const status = async () =>
    (await requestOf(scene.chain, scene.addresses, parseRequestId(requestId))).status === "final";
  await until("the request final", status, 400_000);
  await until("the node saw it final", async () => node.log().includes("answer final"), 30_000);
});
afterAll(async () => {
  for (const service of [node, challenger]) service?.child.kill("SIGKILL");
  await rpc?.close();
  await scene?.close();
});

describe("a node and a challenger", () => {
  it("log one request's way under its id, from the chain to its end", () => {
    const way = (service: Service) =>
      linesOf(service).flatMap((line) => (line.requestId === requestId ? [line.msg] : []));
    expect(way(node)).toEqual(["request taken", "computed", "answer posted", "answer final"]);
    expect(way(challenger)).toEqual(["verified"]);
  });

  it("log JSON lines without a key, a token or a URL's path", () => {
    for (const [service, account] of [
      [node, 1],
      [challenger, 4],
    ] as const) {
      expect(linesOf(service).length).toBeGreaterThan(1);
      const log = service.log();
      for (const secret of [devPrivateKey(account).slice(2), API_TOKEN, RPC_KEY])
        expect(log).not.toContain(secret);
    }
  });

  it("export every metric that the dashboard and the alerts read", async () => {
    const texts = [
      await metricsText(node),
      await metricsText(challenger),
      await createWorkerMetrics().registry.metrics(),
    ];
    // Prometheus's own, of every target.
    const exported = new Set([...texts.flatMap(exportedMetrics), "up"]);
    const all = expressions();
    expect(all.length).toBeGreaterThan(40);
    for (const { where, expr } of all) {
      const names = metricsOf(expr);
      expect(names.length, expr).toBeGreaterThan(0);
      for (const name of names) expect(exported.has(name), `${where}: ${name}`).toBe(true);
    }
  });

  it("are shown by the node's explorer, which changes nothing and keeps to itself", async () => {
    const line = linesOf(node).find(({ msg }) => msg === "explorer served");
    const url = String(line?.url);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const page = await fetch(url);
    expect(await page.text()).toContain("<script");
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    type View = {
      readonly canAsk: boolean;
      readonly requests: readonly { readonly requestId: string; state: string }[];
    };
    const view = async () => (await (await fetch(`${url}/api/network`)).json()) as View;
    await until(
      "the explorer shows it final",
      async () => (await view()).requests[0]?.state === "final",
      30_000,
    );
    expect(await view()).toMatchObject({ canAsk: false, requests: [{ requestId }] });
    expect((await fetch(`${url}/api/digit`, { method: "POST" })).status).toBe(404);
  });

  it("are not ready, and judge and answer nothing, while a byte of a model is wrong", async () => {
    const file = path.join(scene.bundlesDir, "mnist/weights.bin");
    const weights = readFileSync(file);
    const changed = Buffer.from(weights);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    const isFit = async (service: Service, fit: boolean) => {
      const { status, checks } = await readiness(service);
      return checks.selfTest === fit && status === (fit ? 200 : 503);
    };
    writeFileSync(file, changed);
    for (const service of [node, challenger]) await until("not fit", () => isFit(service, false), 60_000);
    for (const service of [node, challenger]) expect(service.log()).toContain("BUNDLE_CHANGED");
    const asked = await scene.ask(scene.input(1), 100_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect((await requestOf(scene.chain, scene.addresses, asked)).status).toBe("open");
    writeFileSync(file, weights);
    for (const service of [node, challenger]) await until("fit again", () => isFit(service, true), 60_000);
    await until(
      "the request answered",
      async () => (await requestOf(scene.chain, scene.addresses, asked)).status !== "open",
      60_000,
    );
  });

  it("are ready while all is in order, and not when the chain is out of reach", async () => {
    const good = { chain: true, store: true, queue: true, selfTest: true, takesWork: true };
    expect(await readiness(node)).toMatchObject({ status: 200, checks: good });
    const challengers = { chain: true, store: true, selfTest: true };
    expect(await readiness(challenger)).toEqual({ status: 200, checks: challengers });
    expect((await fetch(`${node.url}/health/live`)).status).toBe(200);
    rpc.misbehave({ kind: "status", status: 503 });
    const checkOf = async (service: Service) => {
      const { status, checks } = await readiness(service);
      return status === 503 && checks.chain === false;
    };
    for (const service of [node, challenger]) await until("not ready", () => checkOf(service), 60_000);
    expect(await metricsText(node)).toContain('surety_ready{check="chain"} 0');
    expect((await fetch(`${node.url}/health/live`)).status).toBe(200);
    expect(node.log()).not.toContain(RPC_KEY);
  });
});

describe("deploy/", () => {
  it("has a dashboard whose panels ask the data source that is provisioned, and whose folder is mounted", () => {
    const read = (file: string) =>
      parse(readFileSync(path.join(DEPLOY, "grafana/provisioning", file), "utf8"));
    const { datasources } = read("datasources/prometheus.yml");
    expect(datasources).toMatchObject([{ type: "prometheus", isDefault: true }]);
    const { panels } = readDashboard();
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, datasource, targets = [] } of panels) {
      if (type === "row") continue;
      expect(datasource?.uid, title).toBe(datasources[0].uid);
      expect(targets.length, title).toBeGreaterThan(0);
    }
    const compose = parse(readFileSync(path.join(DEPLOY, "../docker-compose.yml"), "utf8"), { merge: true });
    const mounts: string[] = compose.services.grafana.volumes;
    const folder = read("dashboards/surety.yml").providers[0].options.path;
    expect(mounts).toContain(`./deploy/grafana/dashboards:${folder}:ro`);
  });

  const promtool = spawnSync("promtool", ["--version"]).status === 0;
  if (!promtool)
    process.stderr.write("SKIPPED: promtool is not installed. Debian: apt-get install -y prometheus\n");
  it.skipIf(!promtool)("has a configuration and alerts that Prometheus takes", () => {
    const { status, stdout, stderr } = spawnSync(
      "promtool",
      ["check", "config", path.join(DEPLOY, "prometheus/prometheus.yml")],
      { encoding: "utf8" },
    );
    expect([status, stderr], stdout).toEqual([0, ""]);
    expect(stdout).toContain(
      `${expressions().length - readDashboard().panels.flatMap(({ targets = [] }) => targets).length} rules found`,
    );
  });
});
