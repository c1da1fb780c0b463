import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startAnvil } from "@surety/chain/testing";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import {
  type Abi,
  type Address,
  type Chain,
  createPublicClient,
  createTestClient,
  createWalletClient,
  custom,
  defineChain,
  type Hex,
  http,
  type Transport,
} from "viem";

/** Where the contracts take times of a second (`LeastTimes`). */
export const DEVELOPMENT_CHAIN_ID = 31_337;

const chainOf = (id: number) =>
  defineChain({
    id,
    name: "in-process",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });

export interface Artifact {
  readonly abi: Abi;
  readonly bytecode: Hex;
  readonly deployedBytecode: Hex;
}

/** The built contract behind a source path below contracts/src, e.g. `dispute/StepReferee.sol`. Build first: `npm run build:contracts`. */
export function readArtifact(path: string): Artifact {
  const name = path.replace(/^.*\//, "").replace(/\.sol$/, "");
  const file = join(import.meta.dirname, "../../artifacts/src", path, `${name}.json`);
  return JSON.parse(readFileSync(file, "utf8")) as Artifact;
}

/**
 * A fresh chain inside this process, with viem clients over its provider. Blocks and calls may use far more gas than a real chain's, so
 * that a bulk check is one call; `estimateGas` and receipts still tell the real figures.
 *
 * @example
 * const network = await startNetwork();
 * const referee = await network.deploy("dispute/StepReferee.sol");
 * await network.publicClient.readContract({ ...referee, functionName: "describe", args: [0, "0x"] });
 */
export async function startNetwork(chainId: number = DEVELOPMENT_CHAIN_ID) {
  const gasLimit = 2_000_000_000n;
  const hre = await createHardhatRuntimeEnvironment({
    networks: {
      bulk: {
        type: "edr-simulated",
        chainId,
        hardfork: "prague",
        blockGasLimit: gasLimit,
        // Callers without an account of their own are charged nothing.
        gasPrice: 0n,
        initialBaseFeePerGas: 0n,
      },
    },
  });
  const connection = await hre.network.create("bulk");
  const transport = custom(connection.provider, { retryCount: 0 });
  const addresses = (await connection.provider.request({ method: "eth_accounts" })) as Address[];
  return clientsOf(chainOf(chainId), transport, "hardhat", addresses, () => connection.close());
}

/** The same over a chain process of its own: anvil, with a real chain's limits and prices. */
export async function startChainProcess(): Promise<Network & { readonly url: string }> {
  const anvil = await startAnvil();
  const chain = chainOf(DEVELOPMENT_CHAIN_ID);
  const transport = http(anvil.url, { retryCount: 0 });
  const client = createPublicClient({ chain, transport });
  const addresses = (await client.request({ method: "eth_accounts" as never })) as Address[];
  return { ...clientsOf(chain, transport, "anvil", addresses, () => anvil.stop()), url: anvil.url };
}

function clientsOf(
  chain: Chain,
  transport: Transport,
  mode: "hardhat" | "anvil",
  addresses: readonly Address[],
  close: () => Promise<void>,
) {
  const publicClient = createPublicClient({ chain, transport, cacheTime: 0, pollingInterval: 20 });
  const testClient = createTestClient({ chain, transport, mode });
  const wallets = addresses.map((account) => createWalletClient({ account, chain, transport }));
  const [deployer] = wallets;
  if (deployer === undefined) throw new Error("The chain has no accounts.");

  return {
    chain,
    publicClient,
    testClient,
    /** One funded wallet per account. */
    wallets,
    /** Deploys the contract behind a source path from the first account. */
    async deploy(path: string, args: readonly unknown[] = []) {
      const { abi, bytecode } = readArtifact(path);
      const hash = await deployer.deployContract({ abi, bytecode, args: [...args], gas: 15_000_000n });
      const { contractAddress } = await publicClient.waitForTransactionReceipt({ hash });
      if (!contractAddress) throw new Error(`${path} was not deployed`);
      return { address: contractAddress, abi };
    },
    close,
  };
}

export type Network = Awaited<ReturnType<typeof startNetwork>>;
