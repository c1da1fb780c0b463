import type { Chain } from "@surety/chain";
import { type Client, type PublicClient, publicActions } from "viem";
import { getChainId } from "viem/actions";

/** A viem client as the chain package reads from one; the client's own transport does the retrying. */
export async function asChain(client: Client): Promise<Chain> {
  return {
    client: client.extend(publicActions) as unknown as PublicClient,
    chainId: client.chain?.id ?? (await getChainId(client)),
    pollMs: client.pollingInterval,
    retry: {},
    endpoints: () => [],
  };
}
