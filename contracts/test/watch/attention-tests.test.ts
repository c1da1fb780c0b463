import { toHex } from "@surety/engine";
import { type Address, type Hex, parseEther } from "viem";
import { describe, expect, it } from "vitest";
import { ATTENTION, useAttention } from "../support/attention.ts";
import { outputRootOf } from "../support/models.ts";
import { commitMove, viewOf } from "../support/players.ts";
import { fuzzSeed, randomFrom } from "../support/random.ts";
import { smallInput, smallModel } from "../support/scenario.ts";
import { expectSnapshot } from "../support/snapshot.ts";
import { eventOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

const { modelId } = smallModel;

describe("AttentionTests: nobody ever lies", () => {
  const t = useAttention();
  const { scenario } = t;
  const seed = fuzzSeed();

  /** What each watcher shows of an assertion: a trace root that it knows, as whose, or nothing. */
  type Strategy = (
    root: Hex,
    who: Address,
    others: readonly Address[],
  ) => { root: Hex; of: Address } | undefined;
  const STRATEGIES: Record<string, Strategy> = {
    // Runs the model, and attends when it is asked.
    diligent: (root, who) => ({ root, of: who }),
    // Runs nothing, believing that nobody cheats.
    lazy: () => undefined,
    // Sends what another has sent.
    copying: (root, _who, [diligent]) => ({ root, of: diligent as Address }),
    // Guesses.
    guessing: (_root, who) => ({ root: ZERO_HASH, of: who }),
    // Is told the root by the diligent one: computes nothing, and passes. docs/protocol.md says so.
    told: (root, who) => ({ root, of: who }),
  };

  it(`the diligent gain, the lazy, the copying and the guessing lose, and no wei is lost (SURETY_FUZZ_SEED=${seed})`, async () => {
    const { surety, honest } = scenario;
    const random = randomFrom(seed);
    const names = Object.keys(STRATEGIES);
    const who = surety.accounts.slice(8, 8 + names.length);
    await t.fund(parseEther("1"));
    for (const watcher of who) await t.watch(watcher);
    const root = toHex(honest.root);
    const asked: Record<string, number> = {};
    const gained: Record<string, bigint> = {};
    const ASSERTIONS = 14;
    for (let i = 0; i < ASSERTIONS; i++) {
      const { requestId, assertionId, poster } = await t.answer();
      const isAsked = await Promise.all(who.map((w) => t.read<boolean>("isAsked", assertionId, w, root)));
      for (const [k, name] of names.entries()) {
        const from = who[k] as Address;
        const shown = STRATEGIES[name]?.(root, from, who);
        // Who knows the root knows whether it is asked; the others cannot tell.
        if (shown === undefined || (!isAsked[k] && name === "diligent")) continue;
        await t.attend(from, assertionId, shown.root, shown.of);
      }
      await t.audit(assertionId);
      await t.commit(poster, assertionId, honest);
      for (const from of who)
        expect(await surety.refused(t.on(from, "reward", [assertionId, from]))).toMatchObject({
          error: "NothingToShow",
        });
      await t.finalise(requestId, honest);
      for (const [k, name] of names.entries()) {
        const from = who[k] as Address;
        const right = name === "diligent" || name === "told";
        const [due, wrong] = right ? ["reward", "showWatcher"] : ["showWatcher", "reward"];
        const shower = random.pick(surety.accounts.slice(0, 5));
        const attempt = (call: string) => t.on(shower, call, [assertionId, from]);
        expect(await surety.refused(attempt(wrong as string))).toMatchObject({ error: "NothingToShow" });
        if (!isAsked[k]) {
          expect(await surety.refused(attempt(due as string))).toMatchObject({ error: "NothingToShow" });
          continue;
        }
        await surety.send(attempt(due as string));
        asked[name] = (asked[name] ?? 0) + 1;
        // Once only.
        for (const again of ["reward", "showWatcher"])
          expect(await surety.refused(attempt(again))).toMatchObject({ error: "NothingToShow" });
      }
      await t.checkHeld(who);
    }
    for (const [k, name] of names.entries()) {
      const { stakeWei } = await t.read<{ stakeWei: bigint }>("watcherOf", modelId, who[k]);
      const credit = await t.read<bigint>("creditOf", who[k]);
      gained[name] = stakeWei + credit - ATTENTION.watcherStakeWei;
    }
    for (const name of names) expect(asked[name], name).toBeGreaterThan(0);
    for (const name of ["diligent", "told"])
      expect(gained[name]).toBe(BigInt(asked[name] as number) * ATTENTION.rewardWei);
    for (const name of ["lazy", "copying", "guessing"])
      expect(gained[name]).toBe(-BigInt(asked[name] as number) * ATTENTION.fineWei);
  });

  it("a poster that does not show its trace root, or shows it too early, is fined once, from free stake; nobody is tested", async () => {
    const { surety, honest } = scenario;
    const { stranger } = scenario.actors;
    const watcher = surety.accounts[8] as Address;
    await t.watch(watcher);
    const stakeOf = async (of: Address) =>
      (await surety.read<{ stakeWei: bigint }>(surety.operators, "operatorOf", [of])).stakeWei;
    const show = (assertionId: bigint) => t.on(stranger, "showPoster", [assertionId]);
    for (const leaks of [false, true]) {
      const { requestId, assertionId, poster } = await t.answer();
      if (leaks) await t.commit(poster, assertionId, honest);
      const before = await stakeOf(poster);
      const burned = await surety.balance(ZERO_ADDRESS);
      expect(await surety.refused(show(assertionId))).toMatchObject({ error: "NothingToShow" });
      await t.audit(assertionId);
      const time = (await surety.now()) + ATTENTION.revealSeconds;
      if (!leaks)
        expect(await surety.refused({ ...show(assertionId), time })).toMatchObject({
          error: "NothingToShow",
        });
      await surety.send({ ...show(assertionId), time: time + 1 });
      expect(before - (await stakeOf(poster))).toBe(ATTENTION.posterFineWei);
      const bounty = (ATTENTION.posterFineWei * BigInt(ATTENTION.bountyBps)) / 10_000n;
      expect((await surety.balance(ZERO_ADDRESS)) - burned).toBe(ATTENTION.posterFineWei - bounty);
      expect(await surety.refused(show(assertionId))).toMatchObject({ error: "NothingToShow" });
      await t.finalise(requestId, honest);
      for (const call of ["reward", "showWatcher"])
        expect(await surety.refused(t.on(stranger, call, [assertionId, watcher]))).toMatchObject({
          error: "NothingToShow",
        });
      await t.checkHeld([watcher]);
    }
  });

  it("a trace root shown after its time tests nobody either", async () => {
    const { surety, honest } = scenario;
    const watcher = surety.accounts[8] as Address;
    await t.watch(watcher);
    const { requestId, assertionId, poster } = await t.answer();
    await t.audit(assertionId);
    const call = commitMove(surety, { model: smallModel, inputs: [smallInput] }, honest, assertionId);
    await surety.send({ ...call, from: poster, time: (await surety.now()) + ATTENTION.revealSeconds + 1 });
    await t.finalise(requestId, honest);
    for (const show of ["reward", "showWatcher"])
      expect(
        await surety.refused(t.on(scenario.actors.stranger, show, [assertionId, watcher])),
      ).toMatchObject({ error: "NothingToShow" });
  });

  it("attends in time, once, to what stands; audits once, after the attention, with time left", async () => {
    const { surety } = scenario;
    const { stranger } = scenario.actors;
    const root = toHex(scenario.honest.root);
    const { assertionId } = await t.answer();
    expect(await surety.refused(t.on(stranger, "attend", [9n, root]))).toMatchObject({
      error: "NotStanding",
    });
    expect(await surety.refused(t.on(stranger, "audit", [assertionId]))).toMatchObject({
      error: "AttentionOpen",
    });
    await t.attend(stranger, assertionId, root);
    expect(await surety.refused(t.on(stranger, "attend", [assertionId, root]))).toEqual({
      error: "AlreadyAttended",
      args: [assertionId, stranger],
    });
    const id = await surety.snapshot();
    await t.afterAttention(assertionId);
    expect(await surety.refused(t.on(scenario.actors.second, "attend", [assertionId, root]))).toMatchObject({
      error: "AttentionOver",
    });
    const late = (await surety.now()) + 50;
    expect(await surety.refused({ ...t.on(stranger, "audit", [assertionId]), time: late })).toEqual({
      error: "TooLateToAudit",
      args: [assertionId],
    });
    await surety.revert(id);
    await t.audit(assertionId);
    expect(await surety.refused(t.on(stranger, "audit", [assertionId]))).toMatchObject({
      error: "AlreadyAudited",
    });
  });

  it("a watch binds what is posted after its beginning and up to its end, and its stake waits for every test", async () => {
    const { surety, honest } = scenario;
    const watcher = surety.accounts[9] as Address;
    const stop = t.on(watcher, "stopWatching", [modelId]);
    const withdraw = t.on(watcher, "withdrawStake", [modelId]);
    expect(await surety.refused(stop)).toMatchObject({ error: "NotWatching" });
    expect(await surety.refused(withdraw)).toMatchObject({ error: "NotWatching" });
    const short = t.on(watcher, "watch", [modelId], ATTENTION.watcherStakeWei - 1n);
    expect(await surety.refused(short)).toEqual({
      error: "WrongStake",
      args: [ATTENTION.watcherStakeWei - 1n, ATTENTION.watcherStakeWei],
    });
    const root = toHex(honest.root);
    /** A whole test of an assertion; whether the watcher could be fined. */
    const fined = async (before: () => Promise<unknown>, after: () => Promise<unknown>) => {
      const id = await surety.snapshot();
      await before();
      let result: boolean | undefined;
      while (result === undefined) {
        const { requestId, assertionId, poster } = await t.answer();
        await after();
        await t.audit(assertionId);
        await t.commit(poster, assertionId, honest);
        await t.finalise(requestId, honest);
        if (!(await t.read<boolean>("isAsked", assertionId, watcher, root))) continue;
        const call = t.on(scenario.actors.stranger, "showWatcher", [assertionId, watcher]);
        result = (await surety.attempt(call)).error === undefined;
        after = async () => undefined;
      }
      await surety.revert(id);
      return result;
    };
    const nothing = async () => undefined;
    expect(await fined(() => t.watch(watcher), nothing)).toBe(true);
    expect(await fined(nothing, nothing)).toBe(false);
    await t.watch(watcher);
    expect(await surety.refused(t.on(watcher, "watch", [modelId], ATTENTION.watcherStakeWei))).toMatchObject({
      error: "AlreadyWatching",
    });
    expect(await fined(() => surety.send(stop), nothing)).toBe(false);
    await surety.send(stop);
    const due = (await surety.now()) + ATTENTION.leaveSeconds;
    expect(await surety.refused({ ...withdraw, time: due - 1 })).toEqual({
      error: "StakeNotDue",
      args: [BigInt(due)],
    });
    await surety.send({ ...withdraw, time: due });
    expect(await t.read("creditOf", watcher)).toBe(ATTENTION.watcherStakeWei);
    await surety.send(t.on(watcher, "withdraw", []));
    await t.checkHeld([watcher]);
  });
});

describe("AttentionTests: somebody lies", () => {
  const t = useAttention();
  const { scenario } = t;
  const fined = async (assertionId: bigint, watcher: Address) =>
    scenario.surety.refused(t.on(scenario.actors.stranger, "showWatcher", [assertionId, watcher]));

  it("a trace root that is false beside a right output is disputed and lost: it tests nobody", async () => {
    const { surety, honest } = scenario;
    const { challenger } = scenario.actors;
    const watcher = surety.accounts[8] as Address;
    await t.watch(watcher);
    // The output is the right one: only what leads to it is false.
    const falseTrace = scenario.lie({ instruction: 0, byte: 7, consistent: false });
    expect(outputRootOf(smallModel, falseTrace)).toBe(outputRootOf(smallModel, honest));
    expect(toHex(falseTrace.root)).not.toBe(toHex(honest.root));
    const { assertionId, poster } = await t.answer();
    await t.attend(watcher, assertionId, toHex(honest.root));
    await t.audit(assertionId);
    await t.commit(poster, assertionId, falseTrace);
    // Who ran the model sees the wrong root, and there is time left for a game.
    const gameId = await scenario.open(assertionId, falseTrace, challenger);
    await scenario.play(gameId, falseTrace, poster);
    expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won" });
    expect(await fined(assertionId, watcher)).toMatchObject({ error: "NothingToShow" });
    expect(await surety.refused(t.on(watcher, "reward", [assertionId, watcher]))).toMatchObject({
      error: "NothingToShow",
    });
    await t.checkHeld([watcher]);
  });

  it("a lie that is refuted before the audit is not audited; one that is challenged is not blamed for its trace", async () => {
    const { surety } = scenario;
    const lie = scenario.lie({ instruction: 2, byte: 5 });
    const { assertionId, poster } = await t.answer(lie);
    const gameId = await scenario.open(assertionId, lie);
    await t.commit(poster, assertionId, lie);
    await t.afterAttention(assertionId);
    expect(await surety.refused(t.on(poster, "audit", [assertionId]))).toMatchObject({
      error: "NothingToShow",
    });
    await scenario.play(gameId, lie, poster);
    expect(await surety.refused(t.on(poster, "audit", [assertionId]))).toMatchObject({
      error: "NotStanding",
    });
  });
});

describe("AttentionTests: nobody honest is fined, or settled for less", () => {
  // A side that says no more has lost while there is still time for an audit.
  const t = useAttention({ askedBps: 10_000 }, { clockSeconds: 12, extensionSeconds: 5 });
  const { scenario } = t;

  it("a poster that committed because it was challenged is not blamed for it, when that game is over either", async () => {
    const { surety, honest } = scenario;
    const { stranger } = scenario.actors;
    const { assertionId, poster } = await t.answer();
    const gameId = await scenario.open(assertionId, honest);
    await t.commit(poster, assertionId, honest);
    await surety.send({
      ...{ from: poster, to: surety.game, call: "claimTimeout", args: [gameId] },
      time: (await viewOf(surety, gameId)).turnEndsAt + 1,
    });
    expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ openGames: 0 });
    expect(await surety.read(surety.game, "wasTraceDemanded", [assertionId])).toBe(true);
    await t.afterAttention(assertionId);
    expect(await surety.refused(t.on(stranger, "audit", [assertionId]))).toEqual({
      error: "NothingToShow",
      args: [assertionId, poster],
    });
  });

  it("a poster that committed before anybody challenged it cannot hide that behind a friend's game", async () => {
    const { surety, honest } = scenario;
    const { assertionId, poster } = await t.answer();
    await t.commit(poster, assertionId, honest);
    await scenario.open(assertionId, honest);
    expect(await surety.read(surety.game, "wasTraceDemanded", [assertionId])).toBe(false);
    await t.audit(assertionId);
    await surety.send(t.on(scenario.actors.stranger, "showPoster", [assertionId]));
  });

  it("what a verifier may make final at any time is not audited: its poster might have no time to show its trace", async () => {
    const { surety } = scenario;
    const { requester, stranger } = scenario.actors;
    const { requestId, assignee } = await scenario.request({ delivery: "pull" });
    const on = (from: Address, call: string, ...args: unknown[]) => ({ from, to: surety.oracle, call, args });
    await surety.send(on(requester, "chooseEarlyFinality", requestId, stranger));
    await surety.send(on(assignee, "post", requestId, scenario.question, scenario.output));
    await t.afterAttention(requestId * 256n);
    expect(await surety.refused(t.on(stranger, "audit", [requestId * 256n]))).toEqual({
      error: "NothingToShow",
      args: [requestId * 256n, assignee],
    });
  });

  it("a watcher is paid in full or not yet: nobody can have it settled by an empty pool", async () => {
    const { surety, honest } = scenario;
    const watcher = surety.accounts[8] as Address;
    await t.watch(watcher);
    const { requestId, assertionId, poster } = await t.answer();
    await t.attend(watcher, assertionId, toHex(honest.root));
    await t.audit(assertionId);
    await t.commit(poster, assertionId, honest);
    await t.finalise(requestId, honest);
    await t.fund(ATTENTION.rewardWei - 1n);
    const reward = t.on(scenario.actors.stranger, "reward", [assertionId, watcher]);
    expect(await surety.refused(reward)).toEqual({
      error: "PoolTooLow",
      args: [ATTENTION.rewardWei - 1n, ATTENTION.rewardWei],
    });
    await t.fund(1n);
    await surety.send(reward);
    expect(await t.read("creditOf", watcher)).toBe(ATTENTION.rewardWei);
    await t.fund(ATTENTION.rewardWei);
    expect(await surety.refused(reward)).toMatchObject({ error: "NothingToShow" });
    await t.checkHeld([watcher]);
  });
});

describe("AttentionTests: chance", () => {
  const t = useAttention({ auditBps: 5_000 });
  it("some assertions are audited and some are not, as the block after the attention says", async () => {
    const { surety } = t.scenario;
    const outcomes = new Set<string | undefined>();
    for (let i = 0; i < 12; i++) {
      const { requestId, assertionId } = await t.answer();
      await t.afterAttention(assertionId);
      outcomes.add((await surety.attempt(t.on(t.scenario.actors.stranger, "audit", [assertionId]))).error);
      await t.finalise(requestId, t.scenario.honest);
    }
    expect([...outcomes].sort()).toEqual(["NotDrawn", undefined]);
    const funded = await surety.send(t.on(t.scenario.actors.stranger, "fund", [modelId], 7n));
    expect(eventOf(funded, "Funded")).toMatchObject({ modelId, amountWei: 7n });
    expect(await t.read("poolOf", modelId)).toBe(7n);
  });

  it("parameters out of their bounds are refused by name", async () => {
    const { surety } = t.scenario;
    // Only where the registry expects it: elsewhere nobody could be fined.
    expect(
      await surety.refusedDeployment("watch/AttentionTests.sol", [surety.oracle.address, ATTENTION]),
    ).toEqual({ error: "InvalidParameter", args: ["operatorRegistry.attention", 0n, 1n] });
    expect(await t.read("parameters")).toEqual({ ...ATTENTION, auditBps: 5_000 });
  });
});

describe("AttentionTests: gas", () => {
  const t = useAttention({ askedBps: 10_000 });
  it("is the committed one: an assertion that is not audited costs what its watchers' attention does", async () => {
    const { surety, honest } = t.scenario;
    const { stranger } = t.scenario.actors;
    const [diligent, lazy] = surety.accounts.slice(8, 10) as [Address, Address];
    const gas: Record<string, number> = {};
    const send = async (
      from: Address,
      call: string,
      args: readonly unknown[],
      valueWei = 0n,
      time?: number,
    ) => {
      const receipt = await surety.send({
        ...t.on(from, call, args, valueWei),
        ...(time === undefined ? {} : { time }),
      });
      gas[call] ??= Number(receipt.gasUsed);
    };
    await send(stranger, "fund", [modelId], parseEther("1"));
    for (const who of [diligent, lazy]) await send(who, "watch", [modelId], ATTENTION.watcherStakeWei);
    const { requestId, assertionId, poster } = await t.answer();
    const root = toHex(honest.root);
    await send(diligent, "attend", [assertionId, await t.read("commitmentOf", assertionId, diligent, root)]);
    await t.afterAttention(assertionId);
    await send(stranger, "audit", [assertionId]);
    await t.commit(poster, assertionId, honest);
    await t.finalise(requestId, honest);
    await send(stranger, "reward", [assertionId, diligent]);
    await send(stranger, "showWatcher", [assertionId, lazy]);
    const silent = await t.answer();
    await t.audit(silent.assertionId);
    const late = (await surety.now()) + ATTENTION.revealSeconds + 1;
    await send(stranger, "showPoster", [silent.assertionId], 0n, late);
    await send(diligent, "stopWatching", [modelId]);
    await send(diligent, "withdrawStake", [modelId], 0n, (await surety.now()) + ATTENTION.leaveSeconds);
    await send(diligent, "withdraw", []);
    expectSnapshot("attention-gas.json", gas);
  });
});
