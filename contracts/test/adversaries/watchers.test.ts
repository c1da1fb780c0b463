import { type Address, parseEther } from "viem";
import { describe, expect, it } from "vitest";
import { useAttention } from "../support/attention.ts";
import { smallModel } from "../support/scenario.ts";
import { assigneeOf } from "../support/surety.ts";
import type { Actor } from "./arena.ts";
import { Arena } from "./arena.ts";
import { Challenger } from "./challengers.ts";
import { ANSWERS } from "./match.ts";
import { checkRules, wealth } from "./rules.ts";
import {
  type Attention,
  AuditedPoster,
  CopyingWatcher,
  GreedyWatcher,
  LazyWatcher,
  Shower,
  Watcher,
} from "./watchers.ts";

describe("adversaries: watchers", () => {
  const t = useAttention({ askedBps: 10_000, attentionBlocks: 20 }, { exclusiveSeconds: 200 });
  const { scenario } = t;
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const { rewardWei, fineWei, bountyBps } = t.parameters;

  const KINDS: Record<
    string,
    {
      readonly make: (who: Address, attention: Attention, diligent: Address) => Actor;
      /** Of the one audited answer that becomes final. */
      readonly gainWei: bigint;
    }
  > = {
    "a lazy watcher": { make: (who, attention) => new LazyWatcher(who, attention), gainWei: -fineWei },
    "a copying watcher": { make: (who, attention) => new CopyingWatcher(who, attention), gainWei: -fineWei },
    "a watcher that would be paid twice": {
      make: (who, attention, diligent) => new GreedyWatcher(who, attention, [diligent]),
      gainWei: rewardWei,
    },
  };
  const CASES = Object.keys(KINDS).flatMap((name) => ANSWERS.map((answer) => [name, ...answer] as const));

  it.each(CASES)("%s beside a diligent one, a %s answer", async (name, _, truthful) => {
    const { surety, honest } = scenario;
    const { alice, bob, challenger, requester, stranger } = scenario.actors;
    const [diligent, rival, shower] = surety.accounts.slice(8, 11) as [Address, Address, Address];
    const { attentionBlocks, revealSeconds } = t.parameters;
    const attention = { ...t.at(), attentionBlocks, revealSeconds };
    const poolWei = parseEther("1");
    await surety.send(t.on(stranger, "fund", [smallModel.modelId], poolWei));
    for (const watcher of [diligent, rival]) await t.watch(watcher);
    const before = await wealth(surety, smallModel);
    const { requestId } = await scenario.request({ delivery: "pull" });
    const poster = await assigneeOf(surety, requestId);
    const question = { model: smallModel, input: scenario.input, hash: scenario.question, honest };
    const arena = new Arena(surety, question, requestId, stranger);
    const kind = KINDS[name] as (typeof KINDS)[string];
    await arena.play(
      new AuditedPoster(attention, poster, truthful ? honest : lie, truthful),
      kind.make(rival, attention, diligent),
      new Watcher(diligent, attention),
      new Shower(shower, attention, [rival, diligent]),
      new Challenger(challenger, honest, true),
      new AuditedPoster(attention, poster === alice ? bob : alice, honest, true),
    );
    const paid = name === "a watcher that would be paid twice" ? 2n : 1n;
    const bountyWei = paid === 2n ? 0n : (fineWei * BigInt(bountyBps)) / 10_000n;
    const fined = paid === 2n ? 0n : fineWei - bountyWei;
    const pooled = (await t.read<bigint>("poolOf", smallModel.modelId)) - poolWei;
    expect(pooled).toBe(fined - paid * rewardWei);
    const { gained } = await checkRules(arena, before, requester, {
      // What a diligent rival is paid is no loss of anybody's but the pool's.
      ...{ pooledWei: pooled, plotWei: paid === 2n ? rewardWei : 0n },
      // An honest poster's fee must cover the gas of its trace too: here the audit is certain and the fee small.
      uncovered: [poster, poster === alice ? bob : alice],
    });
    // Who attended to a lie that was refuted has spent gas on it: the next reward covers that too.
    expect(gained(diligent)).toBe(rewardWei);
    expect(gained(rival)).toBe(kind.gainWei);
    expect(gained(shower)).toBe(bountyWei);
    const refused = arena.log.flatMap(({ actor, plan, refused: error }) =>
      error === undefined ? [] : [`${actor.constructor.name} ${plan.call}: ${error}`],
    );
    const posts = truthful ? 1 : 2;
    const expected: Record<string, string[]> = {
      "a lazy watcher": ["Shower showWatcher: NothingToShow"],
      "a copying watcher": ["Shower showWatcher: NothingToShow"],
      "a watcher that would be paid twice": [
        "GreedyWatcher attend: AlreadyAttended",
        // Its second claim, the diligent one's if that was paid, and its third.
        "GreedyWatcher reward: NothingToShow",
        "Shower showWatcher: NothingToShow",
      ],
    };
    expect(new Set(refused)).toEqual(new Set(expected[name]));
    if (name.includes("twice"))
      expect(refused.filter((line) => line.includes("AlreadyAttended"))).toHaveLength(posts);
  });
});
