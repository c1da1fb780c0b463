import {
  type Chain,
  type ContractCall,
  type DeployWallet,
  decodeLogs,
  type SuretyAddresses,
  type SuretyLog,
  toContractError,
} from "@surety/chain";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import {
  type Address,
  createPublicClient,
  createWalletClient,
  custom,
  size,
  type TransactionReceipt,
} from "viem";
import { hardhat } from "viem/chains";

/** Above what any call of the protocol takes, below a block. */
const GAS_LIMIT = 16_000_000n;

/** An EVM inside this process, with ten unlocked and funded accounts. */
export interface Evm {
  readonly chain: Chain;
  /** Deploys in the name of one of the accounts. */
  walletOf(account: Address): DeployWallet;
  readonly accounts: readonly Address[];
  /**
   * Sends a call from one of the accounts and mines it.
   *
   * @throws ContractRevertError
   */
  send(from: Address, call: ContractCall): Promise<SentCall>;
  /** Lets time pass and mines a block. */
  advance(seconds: number): Promise<void>;
  /** Does something and takes back all it did to the chain. */
  undoing<Value>(what: () => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

export interface SentCall {
  readonly receipt: TransactionReceipt;
  readonly gas: number;
  readonly calldataBytes: number;
}

/** Starts Hardhat's EVM without a network port, a project or a file. */
export async function openEvm(): Promise<Evm> {
  const { network } = await createHardhatRuntimeEnvironment({
    networks: { simulation: { type: "edr-simulated", chainType: "l1", hardfork: "prague" } },
  });
  const connection = await network.connect({ network: "simulation", chainType: "l1" });
  const { provider } = connection;
  const transport = custom(provider, { retryCount: 0 });
  const client = createPublicClient({ chain: hardhat, transport, pollingInterval: 10, cacheTime: 0 });
  const wallet = createWalletClient({ chain: hardhat, transport });
  const accounts = await wallet.getAddresses();
  return {
    chain: { client, chainId: hardhat.id, pollMs: 10, retry: { giveUpAfterMs: 0 }, endpoints: () => [] },
    walletOf: (account) => createWalletClient({ account, chain: hardhat, transport }),
    accounts,
    async send(from, { what, to, data, valueWei }) {
      try {
        const hash = await wallet.sendTransaction({
          account: from,
          chain: hardhat,
          to,
          data,
          value: valueWei,
          gas: GAS_LIMIT,
        });
        const receipt = await client.getTransactionReceipt({ hash });
        return { receipt, gas: Number(receipt.gasUsed), calldataBytes: size(data) };
      } catch (error) {
        throw toContractError(what, error);
      }
    },
    async advance(seconds) {
      await provider.request({ method: "evm_increaseTime", params: [seconds] });
      await provider.request({ method: "evm_mine", params: [] });
    },
    async undoing(what) {
      const snapshot = await provider.request({ method: "evm_snapshot", params: [] });
      try {
        return await what();
      } finally {
        await provider.request({ method: "evm_revert", params: [snapshot] });
      }
    },
    close: () => connection.close(),
  };
}

/** The contracts' events in a receipt. */
export function logsOf(addresses: SuretyAddresses, { receipt }: SentCall): SuretyLog[] {
  return decodeLogs(addresses, receipt.logs);
}
