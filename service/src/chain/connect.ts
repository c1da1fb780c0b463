import {
  type Chain,
  createTransactionManager,
  openChain,
  requireContracts,
  type TransactionManager,
} from "@surety/chain";
import type { Logger } from "../log/logger.ts";
import { countTransaction, type ServiceMetrics } from "../metrics/service-metrics.ts";
import { loadAccount } from "../options/key.ts";
import type { ServiceOptions } from "../options/service-options.ts";

export interface Connection {
  readonly chain: Chain;
  /** The service's account's: every transaction is logged and counted. */
  readonly transactions: TransactionManager;
}

/**
 * Connects to the chain with the service's account, and checks that the contracts are there.
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN, PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED, NO_CONTRACT
 */
export async function connect(
  options: ServiceOptions,
  log: Logger,
  metrics: Pick<ServiceMetrics, "transactions" | "gasUsed">,
): Promise<Connection> {
  const { rpcUrl, chainId, pollMs = 500, rpcGiveUpMs = 30_000, maxFeePerGasCapWei } = options;
  const chain = await openChain({
    rpcUrl,
    pollMs,
    retry: { giveUpAfterMs: rpcGiveUpMs },
    ...(chainId === undefined ? {} : { chainId }),
  });
  const account = loadAccount(options.key, chain.chainId);
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
