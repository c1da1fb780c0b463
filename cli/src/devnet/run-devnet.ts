import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { operatorOf } from "@surety/chain";
import { type Explorer, serveExplorer } from "@surety/explorer";
import { FatalError } from "@surety/protocol";
import { ask } from "./ask.ts";
import { type DevnetFile, readDevnetFile, writeDevnetFile } from "./devnet-file.ts";
import { compileDigits } from "./digits.ts";
import { type NodeRole, ROLES } from "./roles.ts";
import type { ServiceProcess } from "./service-process.ts";
import { createWorld, type World } from "./world.ts";

export interface DevnetOptions {
  /** Takes its files; what an earlier devnet left there is removed. */
  readonly dir: string;
  /** The chain's port on the loopback. */
  readonly port: number;
  /** The explorer's port on the loopback; 0 takes a free one. */
  readonly explorerPort: number;
  /** Told what happens, one line each. */
  readonly onEvent: (line: string) => void;
}

export interface RunningDevnet {
  readonly facts: DevnetFile;
  /** Ends all of its processes. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;

/**
 * A chain, the contracts, two staked nodes, a challenger and an example consumer, as processes of this one's group. A node that is slashed makes
 * room for a fresh one, so that there is always somebody to answer.
 *
 * @throws FatalError DEVNET_RUNS, ANVIL_FAILED, DEPLOYMENT_FAILED, SERVICE_NOT_READY
 */
export async function runDevnet({ dir, port, explorerPort, onEvent }: DevnetOptions): Promise<RunningDevnet> {
  refuseSecond(dir);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  onEvent("compiling the digit classifier");
  const { bundle } = await compileDigits();
  const world = await createWorld(bundle, { directory: dir, port });
  const faultFile = path.join(dir, "fault.json");
  const fresh = (Object.keys(ROLES) as (keyof typeof ROLES)[])
    .filter((role): role is NodeRole => role.startsWith("node "))
    .values();
  const nodes = new Map<NodeRole, ServiceProcess>();
  const addNode = async () => {
    const { value: role } = fresh.next();
    if (role === undefined) return onEvent("no account is left for another node: start the devnet anew");
    await world.stake(role);
    nodes.set(role, await world.startNode(role, ["--fault-file", faultFile]));
    onEvent(`${role} serves at ${nodes.get(role)?.url}`);
  };
  let stopped = false;
  let explorer: Explorer | undefined;
  const stop = async () => {
    stopped = true;
    await explorer?.close();
    await world.close();
    rmSync(path.join(dir, "devnet.json"), { force: true });
  };
  try {
    onEvent(`chain ${world.chain.chainId} runs at ${world.rpcUrl}`);
    const [challenger] = await Promise.all([world.startChallenger(), addNode(), addNode()]);
    onEvent(`the challenger watches at ${challenger.url}`);
    explorer = await serveExplorer({
      chain: world.chain,
      addresses: world.deployment,
      startBlock: world.deployment.fromBlock,
      bundles: [bundle],
      names: () => Object.fromEntries(world.names),
      port: explorerPort,
      onError: (error) => stopped || onEvent(`the explorer follows the chain no longer: ${String(error)}`),
      ask: async (pixels) => {
        const image = Buffer.from(Float32Array.from(pixels).buffer);
        return String((await ask(world, image)).requestId);
      },
    });
    const { fromBlock, ...addresses } = world.deployment;
    const describe = (): DevnetFile => ({
      rpcUrl: world.rpcUrl,
      chainId: world.chain.chainId,
      addresses,
      fromBlock: Number(fromBlock),
      modelId: world.modelId,
      bundle: path.join(world.bundlesDir, "digits"),
      deploymentFile: world.deploymentFile,
      bundlesDir: world.bundlesDir,
      reader: world.reader,
      faultFile,
      explorer: explorer?.url ?? "",
      services: Object.fromEntries([...nodes.values(), challenger].map(({ name, url }) => [name, url])),
      names: Object.fromEntries(world.names),
      pid: process.pid,
    });
    writeDevnetFile(dir, describe());
    const tend = async () => {
      while (!stopped) {
        await sleep(LOOK_EVERY_MS);
        for (const role of await jailedAmong(world, [...nodes.keys()])) {
          if (stopped) return;
          onEvent(`${role} was slashed; another node takes its place`);
          await nodes.get(role)?.stop();
          nodes.delete(role);
          await addNode();
          writeDevnetFile(dir, describe());
        }
      }
    };
    tend().catch((error: unknown) => {
      if (!stopped) onEvent(`the nodes are not looked after any more: ${String(error)}`);
    });
    return { facts: describe(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function jailedAmong(world: World, roles: readonly NodeRole[]): Promise<NodeRole[]> {
  const states = await Promise.all(
    roles.map((role) => operatorOf(world.chain, world.deployment, world.transactions[role].address)),
  );
  return roles.filter((_, index) => states[index]?.jailed === true);
}

/** @throws FatalError DEVNET_RUNS */
function refuseSecond(dir: string): void {
  let pid: number;
  try {
    ({ pid } = readDevnetFile(dir));
    process.kill(pid, 0);
  } catch {
    // None was here, or it is gone.
    return;
  }
  throw new FatalError(
    "DEVNET_RUNS",
    `A devnet runs out of ${path.resolve(dir)} already (process ${pid}): stop it, or give another --dir and --port.`,
  );
}
