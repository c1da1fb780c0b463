import { createPublicClient, type PublicClient } from "viem";
import { type EndpointEvent, type EndpointState, openEndpointPool } from "./endpoint-pool.ts";
import { type RetryOptions, retryRpc } from "./retry.ts";

export interface OpenChainParameters {
  /** One JSON-RPC endpoint, or several of which the first is preferred. */
  readonly rpcUrl: string | readonly string[];
  /** Refused when the RPC serves another chain. Default: whatever it serves. */
  readonly chainId?: number;
  /** How often to ask for new blocks and receipts. Default: 500. */
  readonly pollMs?: number;
  /** How long to retry before giving up on the RPC. */
  readonly retry?: RetryOptions;
  /** Between comparisons of several endpoints. Default: 5,000. */
  readonly checkMs?: number;
  /** For one answer of one endpoint. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Told when an endpoint is left out, and when it is back. */
  readonly onEndpoint?: (event: EndpointEvent) => void;
}

/** A chain that answers and is the right one. */
export interface Chain {
  readonly client: PublicClient;
  readonly chainId: number;
  readonly pollMs: number;
  readonly retry: RetryOptions;
  /** How each endpoint does. */
  readonly endpoints: () => EndpointState[];
}

/**
 * Connects to the RPCs and checks that they serve the expected chain.
 *
 * @example
 * const chain = await openChain({ rpcUrl: "http://127.0.0.1:8545", chainId: 31337 });
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN
 */
export async function openChain(parameters: OpenChainParameters): Promise<Chain> {
  const { rpcUrl, pollMs = 500, retry = {}, onEndpoint } = parameters;
  const pool = openEndpointPool({
    urls: typeof rpcUrl === "string" ? [rpcUrl] : rpcUrl,
    chainId: parameters.chainId,
    ...(parameters.checkMs === undefined ? {} : { checkMs: parameters.checkMs }),
    ...(parameters.timeoutMs === undefined ? {} : { timeoutMs: parameters.timeoutMs }),
    ...(onEndpoint === undefined ? {} : { onEvent: onEndpoint }),
  });
  const chainId = await retryRpc(pool.check, retry);
  const client = createPublicClient({ transport: pool.transport, pollingInterval: pollMs, cacheTime: 0 });
  return { client, chainId, pollMs, retry, endpoints: pool.states };
}

/** Chain ids whose coins are worth nothing: anvil's and Hardhat's, and geth's --dev. */
const DEVNET_CHAIN_IDS: readonly number[] = [31337, 1337];

/** True on a development chain, where plaintext keys and fault injection are allowed. */
export function isDevnet(chainId: number): boolean {
  return DEVNET_CHAIN_IDS.includes(chainId);
}
