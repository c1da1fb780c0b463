import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createTransactionManager,
  decodeLogs,
  findLog,
  openChain,
  quoteWei,
  requestInference,
  requestOf,
} from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { loadBundle } from "@surety/engine";
import { parseRequestId } from "@surety/protocol";
import { readDeployment } from "@surety/service";
import { until } from "@surety/service/testing";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { hasRedisServer } from "../../oracle-node/src/testing/redis-server.ts";
import { DEPLOY, expressions } from "../support/promql.ts";

/** The services of docker-compose.yml as processes of this machine: their own commands, conditions and health checks, with other hosts, ports and folders. */

interface Service {
  readonly command: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly secrets?: readonly { readonly source: string }[];
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const ROOT = path.join(import.meta.dirname, "../..");
const compose: Compose = parse(readFileSync(path.join(ROOT, "docker-compose.yml"), "utf8"), { merge: true });
const folder = mkdtempSync(path.join(tmpdir(), "surety-graph-"));
const children = new Map<string, ChildProcess>();
const PATIENCE_MS = 420_000;

afterAll(async () => {
  // Of each its group: anvil's program is a child of its npm package's.
  for (const { pid, exitCode, signalCode } of children.values()) {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
  }
  await Promise.all(
    [...children.values()].map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")),
  );
  rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Port inside its container of each service that others or its health check ask. */
const INSIDE: Readonly<Record<string, number>> = {
  ...{ chain: 8545, redis: 6379, "node-a": 9464, "node-b": 9464, "worker-a": 9466, "worker-b": 9466 },
  ...{ challenger: 9465, prometheus: 9090 },
};

const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;
if (!hasPrometheus) {
  process.stderr.write(
    "SKIPPED: prometheus is not installed, so nothing scrapes. Debian: apt-get install -y prometheus\n",
  );
}
process.stderr.write(
  "NOT RUN: Grafana is in no registry of packages at hand; its files are checked, not loaded.\n",
);

it.skipIf(!hasRedisServer())(
  "docker-compose.yml's processes become healthy in their order, answer a request, and are scraped",
  async () => {
    const ports = new Map<string, number>();
    for (const name of Object.keys(INSIDE)) ports.set(name, await freePort());
    const explorerPort = await freePort();
    /** A container's words as this machine's. */
    const here = (name: string, text: string): string => {
      let said = text
        .replaceAll(/\b(chain|redis):(\d+)/g, (_, host: string) => `127.0.0.1:${ports.get(host)}`)
        .replaceAll(/127\.0\.0\.1:(\d+)/g, (whole, port) =>
          Number(port) === INSIDE[name] ? `127.0.0.1:${ports.get(name)}` : whole,
        )
        .replaceAll(/\/deployment(?=\/|$)/g, path.join(folder, "deployment"))
        .replace(/^--data-dir=\/data$/, `--data-dir=${path.join(folder, name)}`)
        .replace(/^0\.0\.0\.0$/, "127.0.0.1")
        .replace(/^\/chain\//, `${folder}/chain-`)
        .replace("--host=0.0.0.0", "--host=127.0.0.1")
        .replace(/^--port=\d+$/, `--port=${ports.get(name)}`)
        .replace(/^--explorer-port=\d+$/, `--explorer-port=${explorerPort}`)
        .replace("/etc/prometheus", path.join(folder, "prometheus"))
        .replace("=/prometheus", `=${path.join(folder, "tsdb")}`);
      const [secret] = compose.services[name]?.secrets ?? [];
      if (secret !== undefined) {
        said = said.replace("/run/secrets/key", path.join(ROOT, compose.secrets[secret.source]?.file ?? ""));
      }
      return said;
    };
    const more: Readonly<Record<string, readonly string[]>> = {
      chain: ["--port", String(ports.get("chain")), "--silent"],
      redis: ["--port", String(ports.get("redis")), "--bind", "127.0.0.1", "--dir", folder],
      prometheus: [`--web.listen-address=127.0.0.1:${ports.get("prometheus")}`],
    };
    const logs = new Map<string, string>();
    const start = (name: string): ChildProcess => {
      // Prometheus's image has its program for an entry point.
      const words = compose.services[name]?.command ?? [];
      const [program = "", ...args] = name === "prometheus" ? [name, ...words] : words;
      const child = spawn(
        program === "node" ? process.execPath : program,
        [...args.map((arg) => here(name, arg)), ...(more[name] ?? [])],
        { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"], detached: true },
      );
      child.stderr?.on("data", (text) => logs.set(name, `${logs.get(name) ?? ""}${text}`.slice(-2_000)));
      children.set(name, child);
      return child;
    };
    const isHealthy = async (name: string): Promise<boolean> => {
      const [, program = "", ...args] = compose.services[name]?.healthcheck?.test ?? [];
      const port = program === "redis-cli" ? ["-p", String(ports.get("redis"))] : [];
      const command = program === "node" ? process.execPath : program;
      const asked = spawn(command, [...port, ...args.map((arg) => here(name, arg))], {
        cwd: ROOT,
        stdio: "ignore",
      });
      const [code] = await once(asked, "exit");
      // Each look is a process of its own.
      if (code !== 0) await sleep(1_000);
      return code === 0;
    };
    const reached = new Map<string, Promise<void>>();
    /** Starts a service once what it depends on is as it wants it; resolves when it is healthy, or has ended well. */
    const bring = (name: string): Promise<void> => {
      const known = reached.get(name);
      if (known !== undefined) return known;
      const coming = (async () => {
        const { depends_on = {}, healthcheck } = compose.services[name] as Service;
        for (const other of Object.keys(depends_on)) await bring(other);
        const child = start(name);
        if (healthcheck === undefined) {
          const [code] = await once(child, "exit");
          expect(code, logs.get(name)).toBe(0);
          return;
        }
        const ended = once(child, "exit").then(([code]) =>
          Promise.reject(new Error(`${name} ended with ${code}`)),
        );
        await Promise.race([until(`${name} healthy`, () => isHealthy(name), PATIENCE_MS), ended]).catch(
          (error: Error) => {
            throw new Error(`${error.message}: ${logs.get(name)}`);
          },
        );
      })();
      reached.set(name, coming);
      return coming;
    };

    // The files that its container mounts, with this machine's ports and without the pauses.
    const targetOf = (_: string, name: string) => `127.0.0.1:${ports.get(name)}`;
    const config = readFileSync(path.join(DEPLOY, "prometheus/prometheus.yml"), "utf8")
      .replaceAll(/\b((?:node|worker)-[ab]|challenger):\d+/g, targetOf)
      .replaceAll("15s", "1s");
    mkdirSync(path.join(folder, "prometheus"));
    writeFileSync(path.join(folder, "prometheus/prometheus.yml"), config);
    copyFileSync(path.join(DEPLOY, "prometheus/alerts.yml"), path.join(folder, "prometheus/alerts.yml"));

    const running = Object.keys(compose.services).filter(
      (name) => name !== "grafana" && (name !== "prometheus" || hasPrometheus),
    );
    await Promise.all(running.map(bring));

    const rpcUrl = `http://127.0.0.1:${ports.get("chain")}`;
    const chain = await openChain({ rpcUrl });
    const { addresses } = readDeployment(path.join(folder, "deployment/deployment.json"));
    const { modelId, header } = loadBundle(path.join(folder, "deployment/bundles/digits"));
    const asker = createTransactionManager({ chain, account: devAccount(9) });
    const { timestamp } = await chain.client.getBlock();
    const receipt = await asker.send(
      requestInference(addresses, {
        ...{ modelId, input: new Uint8Array(header.inputBytes[0] ?? 0), deadline: Number(timestamp) + 3_600 },
        feeWei: await quoteWei(chain, addresses, modelId),
      }),
    );
    const id = parseRequestId(
      findLog(decodeLogs(addresses, receipt.logs), "oracle", "Requested")?.args.requestId ?? 0n,
    );
    await until(
      "answered",
      async () => (await requestOf(chain, addresses, id)).status !== "open",
      PATIENCE_MS,
    );
    expect((await fetch(`http://127.0.0.1:${explorerPort}/api/network`)).status).toBe(200);

    if (hasPrometheus) {
      const query = async (expr: string) => {
        const url = `http://127.0.0.1:${ports.get("prometheus")}/api/v1/query?query=${encodeURIComponent(expr)}`;
        return (await (await fetch(url)).json()) as {
          status: string;
          data: { result: { metric: Record<string, string>; value: [number, string] }[] };
        };
      };
      await until(
        "all scraped",
        async () => (await query("sum(up)")).data.result[0]?.value[1] === "5",
        PATIENCE_MS,
      );
      for (const { where, expr } of expressions()) expect((await query(expr)).status, where).toBe("success");
      await until(
        "the post counted",
        async () => (await query("sum(surety_node_posted_total)")).data.result[0]?.value[1] === "1",
      );
      const ready = await query("surety_ready");
      expect(new Set(ready.data.result.map(({ value }) => value[1]))).toEqual(new Set(["1"]));
    }

    // Without its queue a node is not ready, and it is again when the queue is back.
    const checks = async () => {
      const response = await fetch(`http://127.0.0.1:${ports.get("node-a")}/health/ready`);
      return (await response.json()) as { ready: boolean; checks: Record<string, boolean> };
    };
    const redis = children.get("redis") as ChildProcess;
    redis.kill("SIGKILL");
    await once(redis, "exit");
    await until("not ready", async () => (await checks()).checks.queue === false, PATIENCE_MS);
    expect(await isHealthy("node-a")).toBe(false);
    start("redis");
    await until("ready again", async () => (await checks()).ready, PATIENCE_MS);
  },
  900_000,
);
