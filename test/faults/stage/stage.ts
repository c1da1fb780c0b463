import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Chain,
  createTransactionManager,
  DEVNET_PARAMETERS,
  depositStake,
  joinModel,
  openChain,
  type SuretyDeployment,
  type SuretyParameters,
  type TransactionManager,
} from "@surety/chain";
import { devAccount, devPrivateKey, type RpcProxy, testClient } from "@surety/chain/testing";
import type { Bundle } from "@surety/engine";
import { type Address, createWalletClient, http, type LocalAccount, parseEther } from "viem";
import { setUpDevnet } from "../../../cli/src/devnet/set-up-devnet.ts";
import { type RedisServer, startRedisServer } from "../../../oracle-node/src/testing/redis-server.ts";
import { CHAIN_SERVICES, type ChainServiceName, SERVICES, type ServiceName } from "../schedule/schedule.ts";
import { type HandMinedChain, startHandMinedChain } from "./hand-mined-chain.ts";
import { canMount, mountSmallDisk, type SmallDisk } from "./small-disk.ts";
import { type Supervised, supervise } from "./supervised.ts";
import { tapRpc, Wire } from "./tapped-rpc.ts";

/** Development accounts by role. */
const ACCOUNTS = { deployer: 0, "node A": 1, "node B": 2, challenger: 3, asker: 4 } as const;

/**
 * Windows and clocks that no outage outlasts: time is made to pass once all are where they should be. The exclusive time is short, so that a node that is
 * away is stood in for.
 */
export const STAGE_PARAMETERS: SuretyParameters = {
  ...DEVNET_PARAMETERS,
  exclusiveSeconds: 40,
  challengeWindowSeconds: 200_000,
  clockSeconds: 5_000,
  extensionSeconds: 500,
  unbondingSeconds: 2_000_000,
};

/** Processes on one chain, that live over many schedules: two nodes (one with an embedded queue, one on Redis with a worker) and a challenger. */
export interface StageSet {
  readonly chain: HandMinedChain;
  /** Past all proxies. */
  readonly direct: Chain;
  readonly addresses: SuretyDeployment;
  readonly bundle: Bundle;
  readonly services: Readonly<Record<ServiceName, Supervised>>;
  readonly taps: Readonly<Record<ChainServiceName, RpcProxy>>;
  readonly disks: Readonly<Record<ServiceName, SmallDisk | undefined>>;
  readonly redis: RedisServer;
  readonly wire: Wire;
  /** Of the honest services. */
  readonly accounts: Readonly<Record<ChainServiceName, Address>>;
  readonly asker: TransactionManager;
  /** Every account that ever had money in the contracts. */
  readonly known: Set<Address>;
  /** Of an account of the adversaries', with money. */
  fund(account: LocalAccount): Promise<TransactionManager>;
  /** A second process of a service, not started yet, with its own way to the chain. */
  twin(
    name: ChainServiceName,
    store: "same" | "own",
  ): Promise<{ service: Supervised; close(): Promise<void> }>;
  close(): Promise<void>;
}

const ORACLE_NODE = fileURLToPath(import.meta.resolve("@surety/oracle-node/bin"));
const CHALLENGER = fileURLToPath(import.meta.resolve("@surety/challenger/bin"));
const SURETY = path.join(import.meta.dirname, "../../../cli/bin/surety.js");
const READY_MS = 400_000;

export async function openStage(bundle: Bundle): Promise<StageSet> {
  const folder = mkdtempSync(path.join(tmpdir(), "surety-faults-"));
  const [chain, redis] = await Promise.all([startHandMinedChain(), startRedisServer()]);
  const direct = await openChain({ rpcUrl: chain.url, pollMs: 50 });
  const test = testClient(chain.url);
  const wire = new Wire();
  // The harness must not wait long for what a reorg has dropped.
  const manager = (account: LocalAccount) =>
    createTransactionManager({ chain: direct, account, resubmitAfterMs: 1_500 });

  const deployer = manager(devAccount(ACCOUNTS.deployer));
  const wallet = createWalletClient({ account: devAccount(ACCOUNTS.deployer), transport: http(chain.url) });
  const devnet = { chain: direct, wallet, deployer, bundle, parameters: STAGE_PARAMETERS, outDir: folder };
  const { deployment: addresses, deploymentFile, bundlesDir } = await setUpDevnet(devnet);
  for (const role of ["node A", "node B"] as const) {
    const operator = manager(devAccount(ACCOUNTS[role]));
    await operator.send(depositStake(addresses, parseEther("1000")));
    await operator.send(joinModel(addresses, bundle.modelId));
  }
  await test.setAutomine(false);
  chain.run();

  const dataDirs = Object.fromEntries(SERVICES.map((name) => [name, path.join(folder, name)]));
  const mounts = canMount(folder);
  const disks = Object.fromEntries(
    SERVICES.map((name) => [name, mounts ? mountSmallDisk(dataDirs[name] as string) : undefined]),
  ) as Record<ServiceName, SmallDisk | undefined>;
  const taps = Object.fromEntries(
    await Promise.all(CHAIN_SERVICES.map(async (name) => [name, await tapRpc(chain.url, name, wire)])),
  ) as Record<ChainServiceName, RpcProxy>;

  function processOf(name: ServiceName, dataDir: string, rpcUrl: string | undefined): Supervised {
    const all = [
      "--deployment",
      deploymentFile,
      "--bundles",
      bundlesDir,
      "--data-dir",
      dataDir,
      "--port",
      "0",
    ];
    const onChain = ["--rpc-url", rpcUrl ?? "", "--poll-ms", "200"];
    const onRedis = ["--queue", redis.url];
    const own = {
      "node A": { entry: ORACLE_NODE, flags: [...all, ...onChain] },
      "node B": { entry: ORACLE_NODE, flags: [...all, ...onChain, ...onRedis] },
      challenger: { entry: CHALLENGER, flags: [...all, ...onChain] },
      worker: {
        entry: SURETY,
        flags: [
          ...["worker", "--chain-id", "31337", "--operator", devAccount(ACCOUNTS["node B"]).address],
          ...[...all, ...onRedis, "--name", "worker"],
        ],
      },
    }[name];
    // A process is started so often here that compiling its modules each time would be most of the work.
    const cache = { NODE_COMPILE_CACHE: path.join(folder, "compiled") };
    const key = name === "worker" ? {} : { SURETY_PRIVATE_KEY: devPrivateKey(ACCOUNTS[name]) };
    return supervise({ name, ...own, environment: { ...cache, ...key } });
  }

  const services = Object.fromEntries(
    SERVICES.map((name) => [
      name,
      processOf(name, dataDirs[name] as string, name === "worker" ? undefined : taps[name].url),
    ]),
  ) as Record<ServiceName, Supervised>;
  for (const service of Object.values(services)) service.start();
  await Promise.all(Object.values(services).map((service) => service.ready(READY_MS)));

  const asker = manager(devAccount(ACCOUNTS.asker));
  const accounts = Object.fromEntries(
    CHAIN_SERVICES.map((name) => [name, devAccount(ACCOUNTS[name]).address]),
  ) as Record<ChainServiceName, Address>;
  const known = new Set<Address>([...Object.values(accounts), asker.address]);
  let twins = 0;

  return {
    ...{ chain, direct, addresses, bundle, services, taps, disks, redis, wire, accounts, asker, known },
    async fund(account) {
      known.add(account.address);
      await test.setBalance({ address: account.address, value: parseEther("100") });
      return manager(account);
    },
    async twin(name, store) {
      twins += 1;
      const own = path.join(folder, `twin-${twins}`);
      const tap = await tapRpc(chain.url, name, wire);
      const service = processOf(name, store === "same" ? (dataDirs[name] as string) : own, tap.url);
      return {
        service,
        async close() {
          await service.kill();
          await tap.close();
          rmSync(own, { recursive: true, force: true });
        },
      };
    },
    async close() {
      await Promise.all(Object.values(services).map((service) => service.kill()));
      await Promise.all(Object.values(taps).map((tap) => tap.close()));
      for (const disk of Object.values(disks)) disk?.unmount();
      await redis.remove();
      await chain.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
