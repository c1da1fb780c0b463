import {
  attentionTestsAbi,
  disputeGameAbi,
  modelRegistryAbi,
  operatorRegistryAbi,
  suretyErrorsAbi,
  suretyOracleAbi,
} from "@surety/protocol";
import {
  type Abi,
  AbiErrorSignatureNotFoundError,
  type Account,
  type Address,
  BaseError,
  decodeErrorResult,
  encodeFunctionData,
  getAddress,
  type Hex,
  parseEther,
  parseEventLogs,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from "viem";
import { DEVNET_PARAMETERS, deploySurety, type SuretyParameters } from "../../../chain/src/deploy.ts";
import { type Network, readArtifact, startNetwork } from "./network.ts";

export const ZERO_ADDRESS: Address = "0x0000000000000000000000000000000000000000";
export const ZERO_HASH: Hex = `0x${"0".repeat(64)}`;

/** When every test's chain begins, so that the gas of what carries a time is the same in every run. */
const GENESIS = 2_000_000_000n;

export interface At {
  readonly address: Address;
  readonly abi: Abi;
}

export interface CallParameters {
  readonly from: Address;
  readonly to: At;
  readonly call: string;
  readonly args?: readonly unknown[];
  readonly valueWei?: bigint;
  readonly gas?: bigint;
  /** Unix seconds of the transaction's block. Default: one second after the last. */
  readonly time?: number;
}

/** What a contract reverted with. */
export interface Revert {
  readonly error: string;
  readonly args: readonly unknown[];
}

/** Revert data, wherever the provider put it. */
function revertData(error: unknown): Hex | undefined {
  for (let e = error as { data?: unknown; cause?: unknown } | undefined; e; e = e.cause as typeof e) {
    const data = typeof e.data === "object" && e.data !== null ? (e.data as { data?: unknown }).data : e.data;
    if (typeof data === "string" && data.startsWith("0x")) return data as Hex;
  }
  return undefined;
}

function decodeRevert(error: unknown): Revert {
  const data = revertData(error);
  if (data === undefined) throw error;
  if (data === "0x") return { error: "", args: [] };
  try {
    const decoded = decodeErrorResult({ abi: suretyErrorsAbi, data });
    return { error: decoded.errorName, args: decoded.args ?? [] };
  } catch (unknown) {
    // An error of a contract that is not ours: its selector.
    if (unknown instanceof AbiErrorSignatureNotFoundError) return { error: data.slice(0, 10), args: [] };
    throw unknown;
  }
}

/** What differs from the devnet's parameters; what must be deployed first to know it, a function deploys. */
export type ParameterChanges =
  | Partial<SuretyParameters>
  | ((network: Network) => Promise<Partial<SuretyParameters>>);

/** A deployment on a fresh chain: by default in this process, where time moves only as tests say and gas is free. */
export async function startSurety(
  changes: ParameterChanges = {},
  start: () => Promise<Network> = startNetwork,
) {
  const network = await start();
  const { publicClient, testClient, wallets } = network;
  const [deployer, ...others] = wallets;
  if (deployer === undefined) throw new Error("no accounts");
  await testClient.setNextBlockTimestamp({ timestamp: GENESIS });
  const changed = typeof changes === "function" ? await changes(network) : changes;
  const parameters: SuretyParameters = { ...DEVNET_PARAMETERS, ...changed };
  const addresses = await deploySurety(deployer as never, publicClient as never, parameters);
  const accounts = others.map(({ account }) => getAddress((account as Account).address));
  const contracts = {
    registry: { address: addresses.registry, abi: modelRegistryAbi as Abi },
    operators: { address: addresses.operators, abi: operatorRegistryAbi as Abi },
    oracle: { address: addresses.oracle, abi: suretyOracleAbi as Abi },
    game: { address: addresses.game, abi: disputeGameAbi as Abi },
  };

  const now = async () => Number((await publicClient.getBlock()).timestamp);
  /** Makes the next block's time. Default: one second after the last. */
  const setTime = async (time?: number) =>
    testClient.setNextBlockTimestamp({ timestamp: BigInt(time ?? (await now()) + 1) });

  const transact = async ({
    from,
    to,
    call,
    args = [],
    valueWei = 0n,
    gas = 30_000_000n,
    time,
  }: CallParameters) => {
    await setTime(time);
    const data = encodeFunctionData({ abi: to.abi, functionName: call, args });
    const hash = await (wallets[0] as NonNullable<(typeof wallets)[0]>).sendTransaction({
      account: from,
      to: to.address,
      data,
      value: valueWei,
      gas,
    });
    const receipt = await receiptOf(hash);
    // A chain process mines what it was told to, failing or not.
    if (receipt.status !== "success") throw new Error(`${call} was mined and failed.`);
    return receipt;
  };
  /** At once on a chain in this process; a chain process may take a moment. */
  const receiptOf = async (hash: Hex): Promise<TransactionReceipt> => {
    try {
      return await publicClient.getTransactionReceipt({ hash });
    } catch (error) {
      if (!(error instanceof TransactionReceiptNotFoundError)) throw error;
      return publicClient.waitForTransactionReceipt({ hash });
    }
  };

  return {
    network,
    /** Who deployed; has no part in the tests otherwise. */
    deployer: getAddress((deployer.account as Account).address),
    addresses,
    parameters,
    accounts,
    ...contracts,
    now,
    /** Sends a transaction that must succeed. */
    send: async (parameters: CallParameters): Promise<TransactionReceipt> => {
      try {
        return await transact(parameters);
      } catch (error) {
        const { error: name, args } = decodeRevert(error);
        throw new Error(
          `${parameters.call} reverted with ${name || "nothing"}(${args.map(String).join(", ")})`,
        );
      }
    },
    /** Sends a transaction that must revert; gives the error's name and arguments. */
    refused: async (parameters: CallParameters): Promise<Revert> => {
      let receipt: TransactionReceipt;
      try {
        receipt = await transact(parameters);
      } catch (error) {
        if (error instanceof BaseError || error instanceof Error) return decodeRevert(error);
        throw error;
      }
      throw new Error(`${parameters.call} did not revert (status ${receipt.status}).`);
    },
    /** Sends a transaction that may revert; gives its receipt or the error's name. */
    attempt: async (
      parameters: CallParameters,
    ): Promise<{ readonly receipt?: TransactionReceipt; readonly error?: string }> => {
      try {
        return { receipt: await transact(parameters) };
      } catch (error) {
        return { error: decodeRevert(error).error };
      }
    },
    read: async <Result>(to: At, functionName: string, args: readonly unknown[] = []): Promise<Result> =>
      (await publicClient.readContract({ address: to.address, abi: to.abi, functionName, args })) as Result,
    balance: (address: Address) => publicClient.getBalance({ address }),
    /** Deploys the contract behind a source path. */
    deploy: async (path: string, args: readonly unknown[] = []): Promise<At> => {
      await setTime();
      const { address, abi } = await network.deploy(path, args);
      return { address: getAddress(address), abi };
    },
    /** The constructor's error when a deployment is refused. */
    refusedDeployment: async (path: string, args: readonly unknown[]): Promise<Revert> => {
      const { abi, bytecode } = readArtifact(path);
      try {
        await deployer.deployContract({ abi, bytecode, args: [...args], gas: 30_000_000n });
      } catch (error) {
        return decodeRevert(error);
      }
      throw new Error(`${path} was deployed.`);
    },
    /** Runs a test on the chain as it stands and takes back what it did. */
    snapshot: () => testClient.snapshot(),
    revert: (id: Hex) => testClient.revert({ id }),
    close: () => network.close(),
  };
}

export type Surety = Awaited<ReturnType<typeof startSurety>>;
export type { Network };

/** The events that one of Surety's contracts emitted, by name. */
export function eventsOf(receipt: TransactionReceipt, eventName?: string) {
  const abi = [
    ...[...suretyOracleAbi, ...disputeGameAbi, ...operatorRegistryAbi, ...modelRegistryAbi],
    ...(attentionTestsAbi as Abi).filter(
      (item) => !("name" in item && ["Credited", "Withdrawn"].includes(item.name)),
    ),
  ] as Abi;
  return parseEventLogs({ abi, logs: receipt.logs })
    .map(({ eventName: name, args, address }) => ({
      name,
      args: args as unknown as Record<string, unknown>,
      address,
    }))
    .filter(({ name }) => eventName === undefined || name === eventName);
}

/** The arguments of the first event of a name. */
export function eventOf(receipt: TransactionReceipt, eventName: string): Record<string, unknown> {
  const [first] = eventsOf(receipt, eventName);
  if (first === undefined) throw new Error(`There is no ${eventName} among the events.`);
  return first.args;
}

/** Whom a request draws, as the next block will see it. */
export function assigneeOf({ network, oracle }: Surety, requestId: bigint): Promise<Address> {
  const call = { address: oracle.address, abi: oracle.abi, functionName: "assigneeOf", args: [requestId] };
  return network.publicClient.readContract({ ...call, blockTag: "pending" }) as Promise<Address>;
}

/** Stakes an operator and lets it join models. */
export async function serve(surety: Surety, operator: Address, ...modelIds: readonly Hex[]): Promise<void> {
  const { operators, parameters, send } = surety;
  await send({ from: operator, to: operators, call: "deposit", valueWei: parameters.minStakeWei });
  for (const modelId of modelIds)
    await send({ from: operator, to: operators, call: "joinModel", args: [modelId] });
}

export const ONE_ETHER = parseEther("1");
