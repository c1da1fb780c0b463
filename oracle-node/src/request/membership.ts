import { type Chain, type ChainEvent, type SuretyAddresses, serves } from "@surety/chain";
import type { ModelId } from "@surety/protocol";
import type { Address } from "viem";

/** In which of its models' sets an operator is, read again only after an event of the registry. */
export interface Membership {
  serves(modelId: ModelId): Promise<boolean>;
  /** Forgets what an event of the stream made stale. */
  apply(event: ChainEvent): void;
}

export function createMembership(
  chain: Chain,
  addresses: SuretyAddresses,
  operator: Address,
  models: { find(modelId: ModelId): unknown },
): Membership {
  const known = new Map<ModelId, boolean>();
  return {
    async serves(modelId) {
      if (models.find(modelId) === undefined) return false;
      const serving = known.get(modelId) ?? (await serves(chain, addresses, operator, modelId));
      known.set(modelId, serving);
      return serving;
    },
    apply(event) {
      if (event.type === "finalize") return;
      if (event.type === "reorg" || event.logs.some(({ contract }) => contract === "operators"))
        known.clear();
    },
  };
}
