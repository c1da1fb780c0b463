import { toHex } from "@surety/engine";
import type { Address, TransactionReceipt } from "viem";
import type { Random } from "../support/random.ts";
import { smallModel } from "../support/scenario.ts";
import { type At, type CallParameters, type Surety, ZERO_ADDRESS } from "../support/surety.ts";
import type { Action } from "./action.ts";
import { type Assertion, type Ghost, idOf } from "./ghost.ts";
import type { Watching } from "./watching.ts";

interface Stage {
  readonly surety: Surety;
  readonly attention: At;
  readonly ghost: Ghost;
  readonly watching: Watching;
  readonly random: Random;
  readonly watchers: readonly Address[];
  /** The trace root of a right and of a false answer. */
  readonly rootOf: (lies: boolean) => `0x${string}`;
}

/** A random action on the attention tests. */
export async function attentionAction(stage: Stage, now: number): Promise<Action | undefined> {
  const { surety, attention, ghost, watching, random, watchers } = stage;
  const parameters = surety.parameters.attention;
  if (parameters === undefined) throw new Error("no attention tests");
  const from = random.pick(watchers);
  const block = (await surety.network.publicClient.getBlockNumber({ cacheTime: 0 })) + 1n;
  const call = (name: string, args: readonly unknown[], valueWei = 0n): Omit<CallParameters, "time"> => ({
    ...{ from, to: attention, call: name, args, valueWei },
  });
  const { modelId } = smallModel;
  const action = (
    name: string,
    made: ReturnType<typeof call>,
    expected: string | undefined,
    apply: (receipt: TransactionReceipt) => void,
  ): Action => ({ name, call: made, expected, apply });

  // Blocks to attend in are few: while there are some, mostly somebody does.
  const open = ghost.assertions
    .slice(-3)
    .flatMap((any) => watchers.map((who) => ({ any, who })))
    .filter(({ any, who }) => watching.attendError(any, who, block) === undefined);
  const attentive = random.pick(random.chance(0.6) ? open : []);
  if (attentive !== undefined) {
    const { any, who } = attentive;
    const attends = random.chance(0.8);
    const root = stage.rootOf(attends === any.lies);
    const commitment = await surety.read(attention, "commitmentOf", [idOf(any), who, root]);
    return action("attend", { ...call("attend", [idOf(any), commitment]), from: who }, undefined, () =>
      watching.test(any).attended.set(who, attends),
    );
  }
  const kind = random.int(0, 13);
  if (kind === 0)
    return action(
      "watch",
      call("watch", [modelId], parameters.watcherStakeWei),
      watching.watchError(from),
      () => watching.watch(from, block),
    );
  if (kind === 1)
    return action("stop watching", call("stopWatching", [modelId]), watching.stopError(from), () =>
      watching.stop(from, block, now),
    );
  if (kind === 2) {
    const ended = random.pick(watchers.filter((who) => watching.watcher(who).until !== 0n)) ?? from;
    const made = { ...call("withdrawStake", [modelId]), from: ended };
    return action("withdraw a watcher's stake", made, watching.withdrawStakeError(ended, now), () =>
      watching.withdrawStake(ended),
    );
  }
  if (kind === 3) {
    const wei = BigInt(random.int(0, 2)) * (parameters.rewardWei / 2n);
    return action("fund", call("fund", [modelId], wei), undefined, () => (watching.poolWei += wei));
  }
  if (kind === 4) {
    const owed = watching.credits.get(from) ?? 0n;
    return action(
      "withdraw from attention",
      call("withdraw", []),
      owed === 0n ? "NothingToWithdraw" : undefined,
      () => watching.credits.set(from, 0n),
    );
  }
  const standing = ghost.assertions.filter(
    (any) => watching.attendError(any, ZERO_ADDRESS, 0n) === undefined,
  );
  const recent = random.pick(random.chance(0.8) ? standing : []) ?? random.pick(ghost.assertions.slice(-3));
  if (recent === undefined) return undefined;
  if (kind <= 7) {
    const attends = random.chance(0.8);
    const root = stage.rootOf(attends === recent.lies);
    const commitment = await surety.read(attention, "commitmentOf", [idOf(recent), from, root]);
    const expected = watching.attendError(recent, from, block);
    return action("attend", call("attend", [idOf(recent), commitment]), expected, () =>
      watching.test(recent).attended.set(from, attends),
    );
  }
  if (kind <= 9)
    return action("audit", call("audit", [idOf(recent)]), watching.auditError(recent, now, block), () =>
      watching.audit(recent, now),
    );
  const ended = watching.audited.filter(({ request }) => request.status === "final");
  const audited = random.pick(random.chance(0.7) ? ended.slice(-4) : watching.audited.slice(-4)) ?? recent;
  if (kind === 10)
    return action(
      "show a poster",
      call("showPoster", [idOf(audited)]),
      watching.showPosterError(audited, now),
      () => watching.showPoster(audited, from),
    );
  // Few of all pairs have a test to settle: mostly one of those.
  const pairs = ended.flatMap((any) => watchers.map((who) => ({ any, who })));
  const settled = (error: (any: Assertion, who: Address) => string | undefined) =>
    random.pick(random.chance(0.8) ? pairs.filter(({ any, who }) => error(any, who) === undefined) : []) ?? {
      any: audited,
      who: random.pick(watchers),
    };
  if (kind === 11) {
    const { any, who } = settled((...pair) => watching.showWatcherError(...pair));
    return action(
      "show a watcher",
      call("showWatcher", [idOf(any), who]),
      watching.showWatcherError(any, who),
      () => watching.showWatcher(any, who, from),
    );
  }
  const { any, who } = settled((...pair) => watching.rewardError(...pair));
  return action("reward", call("reward", [idOf(any), who]), watching.rewardError(any, who), () =>
    watching.reward(any, who),
  );
}

export const rootsOf =
  (right: { root: Uint8Array }, lie: { root: Uint8Array }) =>
  (lies: boolean): `0x${string}` =>
    toHex((lies ? lie : right).root);
