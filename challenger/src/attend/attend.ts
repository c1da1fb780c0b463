import {
  type AttentionParameters,
  assertionOf,
  attend,
  attentionCommitment,
  attentionParameters,
  auditAssertion,
  auditOf,
  type ContractCall,
  type ContractErrorName,
  isAskedToAttend,
  isRevert,
  rewardWatcher,
  showPoster,
  watcherOf,
  watchModel,
} from "@surety/chain";
import { itemCountOf } from "@surety/engine";
import type { Room } from "../service/room.ts";
import type { Attention } from "../store/store.ts";

/** Lives the attention tests (docs/protocol.md) as a staked watcher: attends where it is asked, has audited what it attended to, takes its reward. */
export interface AttentionDuty {
  tick(headBlock: bigint): void;
}

/** Nothing, unless the service was told to attend. */
export function createAttention(room: Room): AttentionDuty {
  const { chain, addresses, store, bundles, thread, account, log, metrics } = room;
  let terms: Promise<AttentionParameters> | undefined;
  const watched = new Set<string>();

  /** Puts up the stake for every model that a bundle is at hand of. */
  async function watchModels(): Promise<void> {
    terms ??= attentionParameters(chain, addresses);
    const { watcherStakeWei } = await terms;
    for (const { modelId } of bundles.all()) {
      if (watched.has(modelId)) continue;
      const { sinceBlock } = await watcherOf(chain, addresses, modelId, account);
      if (sinceBlock === 0) {
        await room.send(watchModel(addresses, modelId, watcherStakeWei));
        log.info({ modelId, stakeWei: String(watcherStakeWei) }, "watching with a stake");
      }
      watched.add(modelId);
    }
  }

  /** Computes the secret of an answer, and commits to it if the secret says that it is asked. */
  async function attendTo({ assertionId, modelId, input, poster }: Attention): Promise<void> {
    const bundle = bundles.find(modelId);
    if (bundle === undefined) return;
    // A batch has no trace as a whole, so there is nothing to be asked for.
    if (itemCountOf(bundle.header.inputBytes, input) !== 1) return store.setAttention(assertionId, "over");
    terms ??= attentionParameters(chain, addresses);
    const { askedBps, attentionBlocks } = await terms;
    const { postedBlock } = await assertionOf(chain, addresses, assertionId);
    const lastBlock = BigInt(postedBlock + attentionBlocks);
    if ((await chain.client.getBlockNumber()) >= lastBlock) return store.setAttention(assertionId, "over");
    const traceRoot = await thread.ask<"traceRoot">({ kind: "traceRoot", bundleDir: bundle.dir, input });
    if (!isAskedToAttend(assertionId, account, traceRoot, askedBps)) {
      return store.setAttention(assertionId, "over");
    }
    const commitment = attentionCommitment(assertionId, account, traceRoot);
    const sent = await attempt(attend(addresses, assertionId, commitment), "AlreadyAttended");
    metrics.attention.inc({ what: sent ? "attended" : "late" });
    log.info({ assertionId: String(assertionId), poster, sent }, "asked to attend");
    store.setAttention(assertionId, sent ? "attended" : "over");
  }

  /** What is due for an answer that was attended to. */
  async function follow({ assertionId }: Attention, headBlock: bigint): Promise<void> {
    terms ??= attentionParameters(chain, addresses);
    const { attentionBlocks, revealSeconds } = await terms;
    const [view, audit] = await Promise.all([
      assertionOf(chain, addresses, assertionId),
      auditOf(chain, addresses, assertionId),
    ]);
    if (view.refuted) return store.setAttention(assertionId, "over");
    if (audit.auditedAt === 0) {
      if (view.finalised) return store.setAttention(assertionId, "over");
      if (headBlock <= BigInt(view.postedBlock + attentionBlocks)) return;
      const audited = await attempt(auditAssertion(addresses, assertionId), "AlreadyAudited");
      if (audited) metrics.attention.inc({ what: "audited" });
      // Chance has not chosen it: it is never asked again, for the block that decides does not change.
      else store.setAttention(assertionId, "over");
      return;
    }
    const { timestamp } = await chain.client.getBlock({ blockTag: "pending" });
    const isDue = Number(timestamp) > audit.auditedAt + revealSeconds;
    if (!view.finalised) return;
    if (isDue && !audit.posterFined && (await attempt(showPoster(addresses, assertionId)))) {
      metrics.attention.inc({ what: "poster-shown" });
    }
    if (await attempt(rewardWatcher(addresses, assertionId, account))) {
      metrics.attention.inc({ what: "rewarded" });
      log.info({ assertionId: String(assertionId) }, "rewarded for attention");
    }
    store.setAttention(assertionId, "over");
  }

  /** Sends a call unless the contract says that it is not due; true when it holds now. */
  async function attempt(call: ContractCall, holds?: ContractErrorName): Promise<boolean> {
    try {
      await room.send(call);
      return true;
    } catch (error) {
      if (holds !== undefined && isRevert(error, holds)) return true;
      if (
        isRevert(error, "AttentionOver", "NotStanding", "NotDrawn", "TooLateToAudit", "NothingToShow") ||
        isRevert(error, "AttentionOpen")
      )
        return false;
      throw error;
    }
  }

  return {
    tick(headBlock) {
      if (!room.attend) return;
      room.jobs.start("watch models", watchModels, room.failed("watching", {}));
      for (const one of store.attentions()) {
        const assertionId = String(one.assertionId);
        const job = () => (one.state === undefined ? attendTo(one) : follow(one, headBlock));
        room.jobs.start(`attend ${assertionId}`, job, room.failed("attention", { assertionId }));
      }
    },
  };
}
