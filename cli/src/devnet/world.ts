import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
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
import { type NodeRole, ROLES, type Role } from "./roles.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { setUpDevnet, stakeOperator } from "./set-up-devnet.ts";

/** Short times, so that nobody waits long for an end; the clocks leave every side room for a slow machine. */
export const WORLD_PARAMETERS = { ...DEVNET_PARAMETERS, exclusiveSeconds: 30, challengeWindowSeconds: 15 };

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
  /** @param flags more of them, such as `--fault`. */
  startNode(role: NodeRole, flags?: readonly string[]): Promise<ServiceProcess>;
  startChallenger(): Promise<ServiceProcess>;
  /** JSON-RPC endpoint of the chain. */
  readonly rpcUrl: string;
  readonly deploymentFile: string;
  readonly bundlesDir: string;
  /** Ends every process of this world. */
  close(): Promise<void>;
}

const POLL_MS = 200;
const BLOCK_SECONDS = 1;

export interface WorldOptions {
  /** Where the processes keep their files. Default: a temporary folder, removed at the end. */
  readonly directory?: string;
  /** The chain's port on the loopback. Default: a free one. */
  readonly port?: number;
}

/**
 * Starts a chain process, deploys, registers the model.
 *
 * @throws FatalError ANVIL_FAILED, DEPLOYMENT_FAILED, SERVICE_NOT_READY
 */
export async function createWorld(bundle: Bundle, options: WorldOptions = {}): Promise<World> {
  const directory = options.directory ?? mkdtempSync(path.join(tmpdir(), "surety-demo-"));
  const running = new Set<ServiceProcess>();
  const starting = new Set<Promise<ServiceProcess>>();
  const ending = new AbortController();
  let anvil: Anvil | undefined;
  const close = async () => {
    ending.abort();
    await Promise.allSettled(starting);
    await Promise.all([...running].map((service) => service.stop()));
    await anvil?.stop();
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    anvil = await startAnvil(options.port === undefined ? {} : { port: options.port });
    const { url: rpcUrl } = anvil;
    const chain = await openChain({ rpcUrl, pollMs: POLL_MS });
    const transactions = managersOf(chain);
    const wallet = createWalletClient({ account: devAccount(ROLES.deployer), transport: http(rpcUrl) });
    const parameters = WORLD_PARAMETERS;
    const { deployer } = transactions;
    const devnet = await setUpDevnet({ chain, wallet, deployer, bundle, parameters, outDir: directory });
    const { deployment, deploymentFile, bundlesDir } = devnet;
    const reader = await deployReader(chain, wallet, deployment.oracle, bundle.modelId);
    // So far a block a transaction; from here on blocks come by the clock, as on a real chain.
    await testClient(rpcUrl).setIntervalMining({ interval: BLOCK_SECONDS });

    const start = async (role: Role, entry: string, flags: readonly string[]) => {
      const begun = startService({
        name: role,
        signal: ending.signal,
        entry,
        flags: [
          ...["--rpc-url", rpcUrl, "--deployment", deploymentFile, "--bundles", bundlesDir],
          ...["--data-dir", path.join(directory, role), "--port", "0", "--poll-ms", String(POLL_MS)],
          ...flags,
        ],
        environment: { SURETY_PRIVATE_KEY: devPrivateKey(ROLES[role]) },
      });
      starting.add(begun);
      const service = await begun.finally(() => starting.delete(begun));
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
      rpcUrl,
      deploymentFile,
      bundlesDir,
      deployment,
      modelId: bundle.modelId,
      reader,
      transactions,
      names: new Map(
        Object.entries(transactions).map(([role, { address }]) => [address.toLowerCase(), role]),
      ),
      stake: (role) =>
        stakeOperator(transactions[role], deployment, bundle.modelId, WORLD_PARAMETERS.minStakeWei),
      startNode: (role, flags = []) => start(role, ORACLE_NODE, flags),
      startChallenger: () => start("challenger", CHALLENGER, []),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const ORACLE_NODE = fileURLToPath(import.meta.resolve("@surety/oracle-node/bin"));
const CHALLENGER = fileURLToPath(import.meta.resolve("@surety/challenger/bin"));

function managersOf(chain: Chain): Record<Role, TransactionManager> {
  const managers = Object.entries(ROLES).map(
    ([role, index]) => [role, createTransactionManager({ chain, account: devAccount(index) })] as const,
  );
  return Object.fromEntries(managers) as Record<Role, TransactionManager>;
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
