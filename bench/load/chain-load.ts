import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEVNET_PARAMETERS, depositStake } from "@surety/chain";
import { devPrivateKey } from "@surety/chain/testing";
import { until } from "@surety/service/testing";
import type { Scene } from "../../oracle-node/src/testing/scene.ts";
import { type Usage, usageOf } from "./processes.ts";

export interface ChainLoad {
  readonly requests: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Until all were asked. */
  readonly askSeconds: number;
  /** Mean, from an answer that is known to its place on the chain. */
  readonly postSeconds: number;
  /** Processor milliseconds of a request, by part. */
  readonly cpu: Readonly<Record<string, number>>;
}

const ENTRY = join(import.meta.dirname, "../../oracle-node/src/bin/oracle-node.ts");
const ASKS_AT_ONCE = 16;
const OPERATOR = 1;

/** Asks a node in a process of its own, as fast as the chain takes requests, until all are answered on the chain. */
export async function runChainLoad(scene: Scene, requests: number): Promise<ChainLoad> {
  await scene.enlist(OPERATOR);
  // A bond for every answer that is open at once.
  const bonds = BigInt(requests) * DEVNET_PARAMETERS.assertionBondWei;
  await scene.sender(OPERATOR).send(depositStake(scene.addresses, bonds));
  const { registry, operators, oracle, game } = scene.addresses;
  const deployment = join(scene.folder, "deployment.json");
  writeFileSync(deployment, JSON.stringify({ registry, operators, oracle, game }));
  const flags = {
    ...{ "rpc-url": scene.anvil.url, deployment, bundles: scene.bundlesDir, "data-dir": scene.dataDir() },
    ...{ port: "0", "poll-ms": "100" },
  };
  const node = spawn(
    process.execPath,
    [ENTRY, ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])],
    {
      env: { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(OPERATOR), SURETY_LOG_LEVEL: "error" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    const [line] = await once(node.stdout, "data");
    const { url } = JSON.parse(String(line)) as { url: string };
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    const metric = (text: string, name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
    const before = usageOf(process.pid);
    const startedAt = performance.now();
    let asked = 0;
    const ask = async () => {
      while (asked < requests) await scene.ask(scene.input(asked++ % 100), 3_600);
    };
    await Promise.all(Array.from({ length: ASKS_AT_ONCE }, ask));
    const askSeconds = (performance.now() - startedAt) / 1_000;
    await until(
      `${requests} answers`,
      async () => metric(await metrics(), "surety_node_posted_total") >= requests,
      1_800_000,
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const after = usageOf(process.pid);
    const text = await metrics();
    const postSeconds =
      metric(text, "surety_node_post_seconds_sum") / metric(text, "surety_node_post_seconds_count");
    const part = (isOf: (usage: Usage) => boolean) => {
      const total = (usages: readonly Usage[]) =>
        usages.filter(isOf).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
      return (total(after) - total(before)) / requests;
    };
    const isAsker = ({ pid }: Usage) => pid === process.pid;
    const isChain = ({ program }: Usage) => program === "anvil";
    const isNode = ({ pid }: Usage) => pid === node.pid;
    return {
      ...{ requests, seconds, askSeconds, postSeconds },
      cpu: {
        "the chain (anvil)": part(isChain),
        "the node": part(isNode),
        "the model's process": part((usage) => !isAsker(usage) && !isChain(usage) && !isNode(usage)),
        "who asks": part(isAsker),
      },
    };
  } finally {
    const exited = once(node, "exit");
    node.kill("SIGTERM");
    await exited;
  }
}
