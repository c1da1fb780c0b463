import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Chain,
  createTransactionManager,
  DEVNET_PARAMETERS,
  type DeployWallet,
  openChain,
  type SuretyDeployment,
  type TransactionManager,
} from "@surety/chain";
import { type Anvil, devAccount, devPrivateKey, startAnvil, testClient } from "@surety/chain/testing";
import type { Bundle } from "@surety/engine";
import { digitReaderAbi, digitReaderBytecode, FatalError, type ModelId } from "@surety/protocol";
import { type Address, createWalletClient, http } from "viem";
import { setUpDevnet, stakeOperator } from "../devnet/set-up-devnet.ts";
import { type ServiceProcess, startService } from "./service-process.ts";

/** Development accounts by role. */
export const ROLES = {
  deployer: 0,
  "node A": 1,
  "node B": 2,
  "node C": 3,
  challenger: 4,
  consumer: 5,
} as const;
export type Role = keyof typeof ROLES;
export type NodeRole = Extract<Role, `node ${string}`>;

/** Short times, so that a demo ends; the clocks leave every side room for a slow machine. */
export const DEMO_PARAMETERS = { ...DEVNET_PARAMETERS, exclusiveSeconds: 30, challengeWindowSeconds: 8 };

/** A local chain with the contracts, the model and an example consumer on it. */
export interface World {
  readonly chain: Chain;
  readonly deployment: SuretyDeployment;
  readonly modelId: ModelId;
  readonly reader: Address;
  readonly transactions: Readonly<Record<Role, TransactionManager>>;
  /** Role names by lower-case address. */
  readonly names: ReadonlyMap<string, string>;
  /** Stakes an operator and has it serve the model. */
  stake(role: NodeRole): Promise<void>;
  startNode(role: NodeRole, fault?: string): Promise<ServiceProcess>;
  startChallenger(): Promise<ServiceProcess>;
  /** Ends every process of this world and removes its files. */
  close(): Promise<void>;
}

const POLL_MS = 200;
const BLOCK_SECONDS = 1;

/** Starts a chain process, deploys, registers the model. */
export async function createWorld(bundle: Bundle): Promise<World> {
  const directory = mkdtempSync(path.join(tmpdir(), "surety-demo-"));
  const running = new Set<ServiceProcess>();
  let anvil: Anvil | undefined;
  const close = async () => {
    await Promise.all([...running].map((service) => service.stop()));
    await anvil?.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    anvil = await startAnvil();
    const { url: rpcUrl } = anvil;
    const chain = await openChain({ rpcUrl, pollMs: POLL_MS });
    const transactions = managersOf(chain);
    const wallet = createWalletClient({ account: devAccount(ROLES.deployer), transport: http(rpcUrl) });
    const parameters = DEMO_PARAMETERS;
    const { deployer } = transactions;
    const devnet = await setUpDevnet({ chain, wallet, deployer, bundle, parameters, outDir: directory });
    const { deployment, deploymentFile, bundlesDir } = devnet;
    const reader = await deployReader(chain, wallet, deployment.oracle, bundle.modelId);
    // So far a block a transaction; from here on blocks come by the clock, as on a real chain.
    await testClient(rpcUrl).setIntervalMining({ interval: BLOCK_SECONDS });

    const start = async (role: Role, entry: string, flags: readonly string[]) => {
      const service = await startService({
        name: role,
        entry,
        flags: [
          ...["--rpc-url", rpcUrl, "--deployment", deploymentFile, "--bundles", bundlesDir],
          ...["--data-dir", path.join(directory, role), "--port", "0", "--poll-ms", String(POLL_MS)],
          ...flags,
        ],
        environment: { SURETY_PRIVATE_KEY: devPrivateKey(ROLES[role]) },
      });
      const tracked: ServiceProcess = {
        ...service,
        async stop() {
          running.delete(tracked);
          await service.stop();
        },
      };
      running.add(tracked);
      return tracked;
    };
    return {
      chain,
      deployment,
      modelId: bundle.modelId,
      reader,
      transactions,
      names: new Map(
        Object.entries(transactions).map(([role, { address }]) => [address.toLowerCase(), role]),
      ),
      stake: (role) =>
        stakeOperator(transactions[role], deployment, bundle.modelId, DEMO_PARAMETERS.minStakeWei),
      startNode: (role, fault) =>
        start(role, ORACLE_NODE, fault === undefined ? [] : ["--fault", fault, "--fault-requests", "1"]),
      startChallenger: () => start("challenger", CHALLENGER, []),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const PACKAGES = path.join(import.meta.dirname, "../../..");
const ORACLE_NODE = path.join(PACKAGES, "oracle-node/src/bin/oracle-node.ts");
const CHALLENGER = path.join(PACKAGES, "challenger/src/bin/challenger.ts");

function managersOf(chain: Chain): Record<Role, TransactionManager> {
  const manager = (role: Role) => createTransactionManager({ chain, account: devAccount(ROLES[role]) });
  return {
    deployer: manager("deployer"),
    "node A": manager("node A"),
    "node B": manager("node B"),
    "node C": manager("node C"),
    challenger: manager("challenger"),
    consumer: manager("consumer"),
  };
}

async function deployReader(
  chain: Chain,
  wallet: DeployWallet,
  oracle: Address,
  modelId: ModelId,
): Promise<Address> {
  const hash = await wallet.deployContract({
    chain: null,
    abi: digitReaderAbi,
    bytecode: digitReaderBytecode,
    args: [oracle, modelId],
  });
  const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
  if (!contractAddress) throw new FatalError("DEPLOYMENT_FAILED", "The example consumer was not deployed.");
  return contractAddress;
}
