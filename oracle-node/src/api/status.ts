import { type Chain, operatorOf, type SuretyAddresses, serves } from "@surety/chain";
import type { Address } from "viem";
import type { ServedModels } from "../inference/models.ts";
import type { Store } from "../store/store.ts";

export interface StatusContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly operator: Address;
  readonly models: ServedModels;
  readonly store: Store;
}

/** The body of /v1/status: amounts and ids as decimal text, since they are wider than a JSON number. */
export function createStatus({ chain, addresses, operator, models, store }: StatusContext) {
  return async () => {
    const modelIds = models.all().map(({ modelId }) => modelId);
    const [stake, memberships] = await Promise.all([
      operatorOf(chain, addresses, operator),
      Promise.all(modelIds.map((modelId) => serves(chain, addresses, operator, modelId))),
    ]);
    return {
      operator,
      chainId: chain.chainId,
      stake: {
        stakeWei: String(stake.stakeWei),
        lockedWei: String(stake.lockedWei),
        unbondingWei: String(stake.unbondingWei),
        jailed: stake.jailed,
      },
      models: modelIds.map((modelId, index) => ({ modelId, serving: memberships[index] === true })),
      openRequests: store
        .openRequests()
        .map(({ requestId, modelId }) => ({ requestId: String(requestId), modelId })),
      openAssertions: store.openAssertions().map(({ assertionId, requestId }) => ({
        assertionId: String(assertionId),
        requestId: String(requestId),
      })),
      openGames: store.openGames().map(({ gameId, assertionId }) => ({
        gameId: String(gameId),
        assertionId: String(assertionId),
      })),
    };
  };
}
