import {
  type Chain,
  createTransactionManager,
  isDevnet,
  openChain,
  requireContracts,
  type TransactionManager,
} from "@surety/chain";
import { loadAccount } from "../keys/account.ts";
import { terminalPassword } from "../keys/terminal.ts";
import type { Logger } from "../log/logger.ts";
import { countEndpoint, countTransaction, type ServiceMetrics } from "../metrics/service-metrics.ts";
import { optional, type ServiceOptions } from "../options/service-options.ts";
import { createHeadWatch, type HeadWatch } from "./head-watch.ts";

export interface Connection {
  readonly chain: Chain;
  /** The service's account's: every transaction is logged and counted. */
  readonly transactions: TransactionManager;
  readonly head: HeadWatch;
}

/** A head that stands still for so long is no living chain's: fifteen of Ethereum's slots. */
const STALE_HEAD_SECONDS = 180;

/**
 * Connects to the chain with the service's account, and checks that the contracts are there.
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN, NO_CONTRACT and those of `loadAccount`
 */
export async function connect(
  options: ServiceOptions,
  log: Logger,
  metrics: Pick<ServiceMetrics, "transactions" | "gasUsed" | "rpcDropped" | "rpcInOrder">,
): Promise<Connection> {
  const { rpcUrls, chainId, pollMs = 500, rpcGiveUpMs = 30_000 } = options;
  const { maxFeePerGasCapWei, urgentFeePerGasCapWei } = options;
  const chain = await openChain({
    rpcUrl: rpcUrls,
    pollMs,
    retry: { giveUpAfterMs: rpcGiveUpMs },
    onEndpoint(event) {
      countEndpoint(metrics, event);
      if (event.type === "dropped") log.warn(event, "RPC endpoint left out");
      else log.info(event, "RPC endpoint in order again");
    },
    ...(chainId === undefined ? {} : { chainId }),
  });
  for (const { endpoint, fault } of chain.endpoints()) {
    metrics.rpcInOrder.set({ endpoint }, fault === undefined ? 1 : 0);
  }
  const account = await loadAccount(options.key, chain.chainId, terminalPassword());
  await requireContracts(chain, options.addresses);
  const transactions = createTransactionManager({
    chain,
    account,
    ...optional("maxFeePerGasCapWei", maxFeePerGasCapWei),
    ...optional("urgentFeePerGasCapWei", urgentFeePerGasCapWei),
    onEvent(event) {
      countTransaction(metrics, event);
      const { type, what, hash, nonce } = event;
      const level = type === "dropped" || type === "capped" ? "warn" : "debug";
      log[level]({ what, hash, nonce }, `transaction ${type}`);
    },
  });
  const staleAfter = options.staleHeadSeconds ?? (isDevnet(chain.chainId) ? 0 : STALE_HEAD_SECONDS);
  return { chain, transactions, head: createHeadWatch(staleAfter) };
}
