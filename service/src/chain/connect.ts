import {
  type Chain,
  createTransactionManager,
  openChain,
  requireContracts,
  type TransactionManager,
} from "@surety/chain";
import { loadAccount } from "../keys/account.ts";
import { terminalPassword } from "../keys/terminal.ts";
import type { Logger } from "../log/logger.ts";
import { countEndpoint, countTransaction, type ServiceMetrics } from "../metrics/service-metrics.ts";
import type { ServiceOptions } from "../options/service-options.ts";

export interface Connection {
  readonly chain: Chain;
  /** The service's account's: every transaction is logged and counted. */
  readonly transactions: TransactionManager;
}

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
  const { rpcUrls, chainId, pollMs = 500, rpcGiveUpMs = 30_000, maxFeePerGasCapWei } = options;
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
    ...(maxFeePerGasCapWei === undefined ? {} : { maxFeePerGasCapWei }),
    onEvent(event) {
      countTransaction(metrics, event);
      const { type, what, hash, nonce } = event;
      log.debug({ what, hash, nonce }, `transaction ${type}`);
    },
  });
  return { chain, transactions };
}
