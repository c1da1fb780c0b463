import { type AssertionId, attentionTestsAbi, FatalError, type ModelId } from "@surety/protocol";
import type { Address, Hex } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import { type ContractCall, contractCall } from "./call.ts";

/**
 * Where a deployment's attention tests stand.
 *
 * @throws FatalError NO_ATTENTION where it has none
 */
export function attentionOf({ attention }: SuretyAddresses): Address {
  if (attention !== undefined) return attention;
  throw new FatalError(
    "NO_ATTENTION",
    'The deployment has no attention tests: its file names no "attention".',
  );
}

/** Begins to watch a model: exactly the watchers' stake is put up. */
export function watchModel(at: SuretyAddresses, modelId: ModelId, stakeWei: bigint): ContractCall {
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "watch", [modelId], stakeWei);
}

/** Ends it for what is posted from the next block on. */
export function stopWatching(at: SuretyAddresses, modelId: ModelId): ContractCall {
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "stopWatching", [modelId]);
}

/** Adds to what a model's watchers are paid from. */
export function fundAttention(at: SuretyAddresses, modelId: ModelId, amountWei: bigint): ContractCall {
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "fund", [modelId], amountWei);
}

/** Shows attention to an assertion. @param commitment `attentionCommitment` */
export function attend(at: SuretyAddresses, assertionId: AssertionId, commitment: Hex): ContractCall {
  const args = [assertionId, commitment] as const;
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "attend", args);
}

/** Audits an assertion, if chance has chosen it. */
export function auditAssertion(at: SuretyAddresses, assertionId: AssertionId): ContractCall {
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "audit", [assertionId]);
}

/** Pays a watcher that was asked and attended rightly, once the answer is final. */
export function rewardWatcher(at: SuretyAddresses, assertionId: AssertionId, watcher: Address): ContractCall {
  const args = [assertionId, watcher] as const;
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "reward", args);
}

/** Shows that an audited poster did not commit its trace in time; a part of its fine goes to the caller. */
export function showPoster(at: SuretyAddresses, assertionId: AssertionId): ContractCall {
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "showPoster", [assertionId]);
}

export function withdrawAttention(at: SuretyAddresses): ContractCall {
  return contractCall("attention", attentionOf(at), attentionTestsAbi, "withdraw", []);
}
