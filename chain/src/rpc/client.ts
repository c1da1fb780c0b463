import { FatalError } from "@surety/protocol";
import { createPublicClient, http, type PublicClient } from "viem";
import { type RetryOptions, retryRpc } from "./retry.ts";

export interface OpenChainParameters {
  readonly rpcUrl: string;
  /** Refused when the RPC serves another chain. Default: whatever it serves. */
  readonly chainId?: number;
  /** How often to ask for new blocks and receipts. Default: 500. */
  readonly pollMs?: number;
  /** How long to retry before giving up on the RPC. */
  readonly retry?: RetryOptions;
}

/** A chain that answers and is the right one. */
export interface Chain {
  readonly client: PublicClient;
  readonly chainId: number;
  readonly pollMs: number;
  readonly retry: RetryOptions;
}

/**
 * Connects to an RPC and checks that it serves the expected chain.
 *
 * @example
 * const chain = await openChain({ rpcUrl: "http://127.0.0.1:8545", chainId: 31337 });
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN
 */
export async function openChain(parameters: OpenChainParameters): Promise<Chain> {
  const { rpcUrl, pollMs = 500, retry = {} } = parameters;
  const client = createPublicClient({
    // Retries are `retryRpc`'s, so that there is one policy and one error.
    transport: http(rpcUrl, { retryCount: 0, timeout: 10_000 }),
    pollingInterval: pollMs,
    cacheTime: 0,
  });
  const chainId = await retryRpc(() => client.getChainId(), retry);
  if (parameters.chainId !== undefined && parameters.chainId !== chainId) {
    throw new FatalError(
      "WRONG_CHAIN",
      `The RPC serves chain ${chainId}, not ${parameters.chainId}. Check the RPC URL and the chain id.`,
    );
  }
  return { client, chainId, pollMs, retry };
}

/** Chain ids whose coins are worth nothing: anvil's and Hardhat's, and geth's --dev. */
const DEVNET_CHAIN_IDS: readonly number[] = [31337, 1337];

/** True on a development chain, where plaintext keys and fault injection are allowed. */
export function isDevnet(chainId: number): boolean {
  return DEVNET_CHAIN_IDS.includes(chainId);
}
