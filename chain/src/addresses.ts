import { FatalError } from "@surety/protocol";
import type { Address } from "viem";
import type { Chain } from "./rpc/client.ts";
import { retryRpc } from "./rpc/retry.ts";

/** Where a deployment's contracts stand. */
export interface SuretyAddresses {
  readonly registry: Address;
  readonly operators: Address;
  readonly oracle: Address;
  readonly game: Address;
  /** Attention tests, where the deployment has them. */
  readonly attention?: Address;
}

/**
 * Checks that there is code at every address, so that a wrong deployment is found before anything is staked on it.
 *
 * @throws FatalError NO_CONTRACT, RPC_UNREACHABLE
 */
export async function requireContracts(chain: Chain, addresses: SuretyAddresses): Promise<void> {
  for (const [name, address] of contractEntries(addresses)) {
    const code = await retryRpc(() => chain.client.getCode({ address }), chain.retry);
    if (code === undefined) {
      throw new FatalError(
        "NO_CONTRACT",
        `There is no contract at ${address} (${name}) on chain ${chain.chainId}. Check the deployment's addresses.`,
      );
    }
  }
}

export type ContractName = keyof SuretyAddresses;

export function contractEntries({
  registry,
  operators,
  oracle,
  game,
  attention,
}: SuretyAddresses): [ContractName, Address][] {
  return [
    ["registry", registry],
    ["operators", operators],
    ["oracle", oracle],
    ["game", game],
    ...(attention === undefined ? [] : [["attention", attention] as [ContractName, Address]]),
  ];
}
