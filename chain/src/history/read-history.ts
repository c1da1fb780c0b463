import type { SuretyAddresses } from "../addresses.ts";
import { decodeLogs, type SuretyLog } from "../events/surety-log.ts";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";
import { History, type Transaction } from "./history.ts";

/** The transactions that emitted some logs, by hash. @param times Of blocks whose time is known, by number */
export async function transactionsOf(
  chain: Chain,
  logs: readonly SuretyLog[],
  times: ReadonlyMap<bigint, number> = new Map(),
): Promise<Map<string, Transaction>> {
  const hashes = new Set(logs.map(({ transactionHash }) => transactionHash));
  const known = new Map(times);
  const found = new Map<string, Transaction>();
  for (const hash of hashes) {
    const { from, gasUsed, blockNumber } = await retryRpc(
      () => chain.client.getTransactionReceipt({ hash }),
      chain.retry,
    );
    const time =
      known.get(blockNumber) ??
      Number((await retryRpc(() => chain.client.getBlock({ blockNumber }), chain.retry)).timestamp);
    known.set(blockNumber, time);
    found.set(hash, { hash, from: from.toLowerCase(), gas: Number(gasUsed), time });
  }
  return found;
}

export interface ReadGamesParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  /** First block of the deployment. Default: 0. */
  readonly startBlock?: bigint;
  /** Most blocks per request of logs. Default: 5,000. */
  readonly batchBlocks?: number;
}

/** Every dispute game there ever was, with its moves, read from the chain up to its head. */
export async function readGames(parameters: ReadGamesParameters): Promise<History> {
  const { chain, addresses, startBlock = 0n, batchBlocks = 5_000 } = parameters;
  const history = new History(Number.POSITIVE_INFINITY);
  const head = await retryRpc(() => chain.client.getBlockNumber(), chain.retry);
  const step = BigInt(batchBlocks);
  for (let fromBlock = startBlock; fromBlock <= head; fromBlock += step) {
    const last = fromBlock + step - 1n;
    const range = { fromBlock, toBlock: last < head ? last : head };
    const raw = await retryRpc(
      () => chain.client.getLogs({ address: addresses.game, ...range }),
      chain.retry,
    );
    const logs = decodeLogs(addresses, raw);
    const transactions = await transactionsOf(chain, logs);
    for (const log of logs) history.add(log, transactions.get(log.transactionHash) as Transaction);
  }
  return history;
}
