import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@surety/engine";
import { type Address, type Hex, parseEther, parseGwei } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deploySurety, type SuretyParameters } from "../../../chain/src/deploy.ts";
import { ATTENTION, ATTENTION_TIMES, useAttention } from "../support/attention.ts";
import { smallModel } from "../support/scenario.ts";
import { type Surety, startSurety, ZERO_HASH } from "../support/surety.ts";

const { modelId } = smallModel;
const SOURCE = readFileSync(join(import.meta.dirname, "../../src/watch/AttentionTests.sol"), "utf8");
const COST = readFileSync(join(import.meta.dirname, "../../src/dispute/GameCost.sol"), "utf8");
const constantOf = (source: string, name: string) => {
  const found = new RegExp(`constant ${name} = ([\\d_]+);`).exec(source)?.[1];
  if (found === undefined) throw new Error(`no constant ${name}`);
  return BigInt(found.replaceAll("_", ""));
};
const GAS = {
  attend: constantOf(SOURCE, "ATTEND_GAS"),
  audit: constantOf(SOURCE, "AUDIT_GAS"),
  reward: constantOf(SOURCE, "REWARD_GAS"),
  show: constantOf(SOURCE, "SHOW_GAS"),
  commit: constantOf(COST, "COMMIT") + 64n * constantOf(COST, "COMMIT_OUTPUT"),
};
const BPS = 10_000n;
const PRICE = parseGwei("5");
const up = (a: bigint, b: bigint) => (a + b - 1n) / b;

/** docs/protocol.md, "What it takes", by the letter. */
function least({ auditBps, bountyBps }: { auditBps: number; bountyBps: number }) {
  const shown = up((GAS.show * PRICE + 1n) * BPS, BigInt(bountyBps));
  const committed = GAS.commit * PRICE + 1n;
  return {
    rewardWei: up(GAS.attend * PRICE * BPS, BigInt(auditBps)) + (GAS.audit + GAS.reward) * PRICE + 1n,
    fineWei: shown,
    posterFineWei: committed < shown ? shown : committed,
  };
}

describe("attention tests: the parameters at which watching pays", () => {
  let surety: Surety;
  beforeAll(async () => {
    surety = await startSurety(ATTENTION_TIMES);
  });
  afterAll(() => surety.close());

  /** The wrong parameter, its value and its bound; "taken" when there is none. */
  const refusal = async (changes: Partial<typeof ATTENTION>, others: Partial<SuretyParameters> = {}) => {
    const attention = { ...ATTENTION, ...changes };
    const parameters = { ...surety.parameters, callbackGasPriceWei: PRICE, ...others, attention };
    const [wallet] = surety.network.wallets;
    return deploySurety(wallet as never, surety.network.publicClient as never, parameters).then(
      () => "taken",
      (error: Error) => /InvalidParameter\((\w+), (\d+), (\d+)\)/.exec(error.message)?.slice(1),
    );
  };

  it.each([
    [10_000, 5_000],
    [10_000, 1],
    [2_000, 4_000],
    [1, 2_500],
  ])(
    "audits %i, bounty %i of 10,000: the least reward and fines are taken, a wei less is refused",
    async (auditBps, bountyBps) => {
      const bounds = least({ auditBps, bountyBps });
      const rich = {
        assertionBondWei: parseEther("20000"),
        maxAssertionBondWei: parseEther("20000"),
        minStakeWei: parseEther("20000"),
      };
      const whole = { ...bounds, auditBps, bountyBps, watcherStakeWei: 10n * bounds.fineWei };
      expect(await refusal(whole, rich)).toBe("taken");
      for (const name of ["rewardWei", "fineWei", "posterFineWei"] as const) {
        expect(await refusal({ ...whole, [name]: bounds[name] - 1n }, rich)).toEqual([
          ...[name, String(bounds[name] - 1n), String(bounds[name])],
        ]);
      }
    },
  );

  it("every other parameter is named when it is out of its bounds", async () => {
    const longest = 2 * ATTENTION_TIMES.challengeWindowSeconds + 2 * (60 + 8 * 10) + 3_600;
    const cases: [Partial<typeof ATTENTION>, (string | number | bigint)[]][] = [
      [
        { watcherStakeWei: 10n * ATTENTION.fineWei - 1n },
        ["watcherStakeWei", 10n * ATTENTION.fineWei - 1n, 10n * ATTENTION.fineWei],
      ],
      [
        { posterFineWei: parseEther("0.1") + 1n },
        ["posterFineWei", parseEther("0.1") + 1n, parseEther("0.1")],
      ],
      [{ askedBps: 0 }, ["askedBps", 0, 1]],
      [{ askedBps: 10_001 }, ["askedBps", 10_001, 10_000]],
      [{ auditBps: 0 }, ["auditBps", 0, 1]],
      [{ auditBps: 10_001 }, ["auditBps", 10_001, 10_000]],
      [{ bountyBps: 0 }, ["bountyBps", 0, 1]],
      [{ bountyBps: 5_001 }, ["bountyBps", 5_001, 5_000]],
      [{ attentionBlocks: 0 }, ["attentionBlocks", 0, 1]],
      [{ attentionBlocks: 201 }, ["attentionBlocks", 201, 200]],
      [{ revealSeconds: 0 }, ["revealSeconds", 0, 1]],
      [{ revealSeconds: 31 }, ["revealSeconds", 31, 30]],
      [{ leaveSeconds: longest - 1 }, ["leaveSeconds", longest - 1, longest]],
    ];
    for (const [changes, wrong] of cases) expect(await refusal(changes)).toEqual(wrong.map(String));
    expect(await refusal({ leaveSeconds: longest, revealSeconds: 30, attentionBlocks: 200 })).toBe("taken");
  });
});

describe.each([
  ["the least that is taken", least({ auditBps: 10_000, bountyBps: 5_000 })],
  ["more", { rewardWei: parseEther("0.01"), fineWei: parseEther("0.05"), posterFineWei: parseEther("0.05") }],
])(
  "attention tests, reward and fine %s: what each strategy gains of an assertion, all gas at the oracle's price",
  (_, amounts) => {
    const t = useAttention(
      {
        ...amounts,
        watcherStakeWei: 10n * amounts.fineWei,
        askedBps: 10_000,
        auditBps: 10_000,
        bountyBps: 5_000,
      },
      { callbackGasPriceWei: PRICE },
    );

    it("running pays exactly while a run costs less than coveredRunWei says, and nothing else ever pays", async () => {
      const { surety, honest } = t.scenario;
      const root = toHex(honest.root);
      const names = ["runs", "is lazy", "copies", "guesses"] as const;
      const who = surety.accounts.slice(8, 12) as [Address, Address, Address, Address];
      await t.fund(parseEther("1"));
      for (const watcher of who) await t.watch(watcher);
      const wealth = async (watcher: Address) => {
        const { stakeWei } = await t.read<{ stakeWei: bigint }>("watcherOf", modelId, watcher);
        return stakeWei + (await t.read<bigint>("creditOf", watcher));
      };
      const before = await Promise.all(who.map(wealth));
      const gas = [0n, 0n, 0n, 0n];
      const { requestId, assertionId, poster } = await t.answer();
      const shown: (readonly [Hex, Address] | undefined)[] = [
        [root, who[0]],
        undefined,
        [root, who[0]],
        [ZERO_HASH, who[3]],
      ];
      for (const [i, from] of who.entries()) {
        const [as, of] = shown[i] ?? [];
        if (as === undefined || of === undefined) continue;
        gas[i] = (await t.attend(from, assertionId, as, of)).gasUsed;
      }
      await t.afterAttention(assertionId);
      // Nobody else may audit: then who attended does.
      const audited = await surety.send(t.on(who[0], "audit", [assertionId]));
      await t.commit(poster, assertionId, honest);
      await t.finalise(requestId, honest);
      const rewarded = await surety.send(t.on(who[0], "reward", [assertionId, who[0]]));
      gas[0] = (gas[0] as bigint) + audited.gasUsed + rewarded.gasUsed;
      const { stranger } = t.scenario.actors;
      let bounties = 0n;
      for (const loser of who.slice(1)) {
        const { gasUsed } = await surety.send(t.on(stranger, "showWatcher", [assertionId, loser]));
        // Whoever shows it gains by that.
        const bounty = (await t.read<bigint>("creditOf", stranger)) - bounties;
        bounties += bounty;
        expect(bounty).toBeGreaterThan(gasUsed * PRICE);
      }
      const after = await Promise.all(who.map(wealth));
      const gained = Object.fromEntries(
        names.map((name, i) => [
          name,
          (after[i] as bigint) - (before[i] as bigint) - (gas[i] as bigint) * PRICE,
        ]),
      ) as Record<(typeof names)[number], bigint>;
      const covered = await t.read<bigint>("coveredRunWei");
      expect(covered).toBeGreaterThan(0n);
      // Its bounds of the gas are bounds, and near: a run that costs what it says still pays.
      expect(gained.runs).toBeGreaterThanOrEqual(covered);
      expect(gained.runs - covered).toBeLessThan(50_000n * PRICE);
      for (const name of names.slice(1)) {
        expect(gained[name], name).toBeLessThan(0n);
        // Who shows itself first has half of it back, and still loses more than by not watching at all.
        expect(gained[name] + amounts.fineWei / 2n, name).toBeLessThan(0n);
      }
      const due = t.parameters.rewardWei - (GAS.audit + GAS.reward) * PRICE - GAS.attend * PRICE;
      expect(covered).toBe(due);
    });
  },
);

describe("attention tests: coveredRunWei", () => {
  const t = useAttention({ askedBps: 2_500, auditBps: 1_000 }, { callbackGasPriceWei: PRICE });
  it("scales with how often a watcher is asked and an assertion audited", async () => {
    const claimed = t.parameters.rewardWei - (GAS.audit + GAS.reward) * PRICE;
    expect(await t.read("coveredRunWei")).toBe(
      (2_500n * (1_000n * claimed - GAS.attend * PRICE * BPS)) / BPS ** 2n,
    );
  });

  it("reckons with bounds of the measured gas", () => {
    const gas = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../snapshots/attention-gas.json"), "utf8"),
    ) as Record<string, number>;
    const limits = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../snapshots/gas-at-limits.json"), "utf8"),
    ) as Record<string, number>;
    expect(gas.attend).toBeLessThanOrEqual(Number(GAS.attend));
    expect(gas.audit).toBeLessThanOrEqual(Number(GAS.audit));
    expect(gas.reward).toBeLessThanOrEqual(Number(GAS.reward));
    for (const show of ["showWatcher", "showPoster"]) expect(gas[show]).toBeLessThanOrEqual(Number(GAS.show));
    expect(limits["DisputeGame.commitTrace, 64 tensors each"]).toBeLessThanOrEqual(Number(GAS.commit));
  });
});
