import { type Address, encodeAbiParameters, encodeFunctionData, keccak256, parseEther } from "viem";
import { describe, expect, it } from "vitest";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventsOf, serve, ZERO_ADDRESS } from "../support/surety.ts";

interface Operator {
  stakeWei: bigint;
  lockedWei: bigint;
  unbondingWei: bigint;
  unbondsAt: number;
  jailed: boolean;
}

describe("OperatorRegistry", () => {
  const scenario = useSurety(smallModel, smallInput);
  const { modelId } = smallModel;
  const minStakeWei = parseEther("4");
  const bondWei = parseEther("1");

  const call = (name: string, args: readonly unknown[] = [], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.operators,
    call: name,
    args,
  });
  const deposit = (valueWei: bigint, from = scenario.actors.stranger) => ({
    ...call("deposit", [], from),
    valueWei,
  });
  const read = <Result>(name: string, ...args: readonly unknown[]) =>
    scenario.surety.read<Result>(scenario.surety.operators, name, args);
  const operatorOf = (address: `0x${string}`) => read<Operator>("operatorOf", address);
  /** A call of the oracle's, which is made to speak for itself. */
  const asOracle = async (name: string, ...args: readonly unknown[]) => {
    const { network, addresses } = scenario.surety;
    await network.testClient.impersonateAccount({ address: addresses.oracle });
    return call(name, args, addresses.oracle);
  };
  const jail = async (address: `0x${string}`, recipient = scenario.actors.challenger) => {
    await scenario.surety.send(await asOracle("lock", address, bondWei));
    return scenario.surety.send(await asOracle("slash", address, bondWei, recipient, (bondWei * 8n) / 10n));
  };

  describe("deposit", () => {
    it("adds to the stake", async () => {
      const { stranger } = scenario.actors;
      await scenario.surety.send(deposit(5n));
      const receipt = await scenario.surety.send(deposit(7n));
      expect(eventsOf(receipt)).toMatchObject([
        { name: "Deposited", args: { operator: stranger, amountWei: 7n, stakeWei: 12n } },
      ]);
      expect(await operatorOf(stranger)).toEqual({
        stakeWei: 12n,
        lockedWei: 0n,
        unbondingWei: 0n,
        unbondsAt: 0,
        jailed: false,
      });
      expect(await read("freeStakeWei", stranger)).toBe(12n);
    });

    it("of more than can be counted reverts AmountTooLarge", async () => {
      const { network, refused } = scenario.surety;
      await network.testClient.setBalance({ address: scenario.actors.stranger, value: 2n ** 97n });
      expect(await refused(deposit(2n ** 88n))).toEqual({ error: "AmountTooLarge", args: [2n ** 88n] });
      await scenario.surety.send(deposit(2n ** 88n - 1n));
    });

    it("of a jailed operator reverts OperatorJailed", async () => {
      const { alice } = scenario.actors;
      await jail(alice);
      expect(await scenario.surety.refused(deposit(1n, alice))).toEqual({
        error: "OperatorJailed",
        args: [alice],
      });
    });
  });

  describe("joinModel", () => {
    it("enters the set", async () => {
      const { stranger } = scenario.actors;
      await scenario.surety.send(deposit(minStakeWei));
      const receipt = await scenario.surety.send(call("joinModel", [modelId]));
      expect(eventsOf(receipt)).toMatchObject([
        { name: "JoinedModel", args: { operator: stranger, modelId } },
      ]);
      expect(await read("serves", stranger, modelId)).toBe(true);
      expect(await read("servingCount", modelId)).toBe(3n);
    });

    it("with too little stake reverts StakeTooLow", async () => {
      await scenario.surety.send(deposit(minStakeWei - 1n));
      expect(await scenario.surety.refused(call("joinModel", [modelId]))).toEqual({
        error: "StakeTooLow",
        args: [minStakeWei - 1n, minStakeWei],
      });
    });

    it("twice reverts AlreadyServing", async () => {
      const { alice } = scenario.actors;
      expect(await scenario.surety.refused(call("joinModel", [modelId], alice))).toEqual({
        error: "AlreadyServing",
        args: [alice, modelId],
      });
    });

    it("of a jailed operator reverts OperatorJailed", async () => {
      const { alice } = scenario.actors;
      await jail(alice);
      const other = `0x${"1".repeat(64)}`;
      expect(await scenario.surety.refused(call("joinModel", [other], alice))).toEqual({
        error: "OperatorJailed",
        args: [alice],
      });
    });
  });

  describe("leaveModel", () => {
    it("leaves the set, whose others stay", async () => {
      const { alice, bob } = scenario.actors;
      const receipt = await scenario.surety.send(call("leaveModel", [modelId], alice));
      expect(eventsOf(receipt)).toMatchObject([{ name: "LeftModel", args: { operator: alice, modelId } }]);
      expect(await read("serves", alice, modelId)).toBe(false);
      expect(await read("serves", bob, modelId)).toBe(true);
      expect(await read("servingCount", modelId)).toBe(1n);
      // And may come back.
      await scenario.surety.send(call("joinModel", [modelId], alice));
      expect(await read("serves", alice, modelId)).toBe(true);
      expect(await read("servingCount", modelId)).toBe(2n);
    });

    it("of a model that is not served reverts NotServing", async () => {
      const { stranger } = scenario.actors;
      expect(await scenario.surety.refused(call("leaveModel", [modelId]))).toEqual({
        error: "NotServing",
        args: [stranger, modelId],
      });
    });
  });

  describe("beginUnbonding and withdraw", () => {
    it("give free stake back after the unbonding time, to the second", async () => {
      const { stranger } = scenario.actors;
      const { surety } = scenario;
      await surety.send(deposit(10n));
      const begun = await surety.send(call("beginUnbonding", [4n]));
      const unbondsAt = (await surety.now()) + surety.parameters.unbondingSeconds;
      expect(eventsOf(begun)).toMatchObject([
        {
          name: "UnbondingStarted",
          args: { operator: stranger, amountWei: 4n, unbondsAt: BigInt(unbondsAt) },
        },
      ]);
      expect(await operatorOf(stranger)).toMatchObject({ stakeWei: 6n, unbondingWei: 4n, unbondsAt });
      expect(await surety.refused({ ...call("withdraw"), time: unbondsAt - 1 })).toEqual({
        error: "StillUnbonding",
        args: [BigInt(unbondsAt)],
      });
      const before = await surety.balance(stranger);
      const paid = await surety.send({ ...call("withdraw"), time: unbondsAt });
      expect(eventsOf(paid)).toMatchObject([{ name: "Withdrawn", args: { amountWei: 4n } }]);
      expect((await surety.balance(stranger)) - before).toBe(4n);
      expect(await surety.refused(call("withdraw"))).toEqual({ error: "NothingToWithdraw", args: [] });
    });

    it("a second unbonding begins the wait anew", async () => {
      const { surety } = scenario;
      await surety.send(deposit(10n));
      await surety.send(call("beginUnbonding", [4n]));
      const first = (await surety.now()) + surety.parameters.unbondingSeconds;
      await surety.send({ ...call("beginUnbonding", [1n]), time: first - 1 });
      expect(await surety.refused({ ...call("withdraw"), time: first })).toMatchObject({
        error: "StillUnbonding",
      });
      await surety.send({ ...call("withdraw"), time: first - 1 + surety.parameters.unbondingSeconds });
    });

    it("of nothing, or without anything, reverts NothingToWithdraw", async () => {
      expect(await scenario.surety.refused(call("beginUnbonding", [0n]))).toMatchObject({
        error: "NothingToWithdraw",
      });
      expect(await scenario.surety.refused(call("withdraw"))).toMatchObject({ error: "NothingToWithdraw" });
    });

    it("of locked stake reverts StakeTooLow", async () => {
      const { alice } = scenario.actors;
      await scenario.surety.send(await asOracle("lock", alice, bondWei));
      expect(await scenario.surety.refused(call("beginUnbonding", [minStakeWei], alice))).toEqual({
        error: "StakeTooLow",
        args: [minStakeWei - bondWei, minStakeWei],
      });
    });

    it("below the minimum while serving reverts StakeTooLow, after leaving succeeds", async () => {
      const { alice } = scenario.actors;
      expect(await scenario.surety.refused(call("beginUnbonding", [1n], alice))).toEqual({
        error: "StakeTooLow",
        args: [minStakeWei - 1n, minStakeWei],
      });
      await scenario.surety.send(call("leaveModel", [modelId], alice));
      await scenario.surety.send(call("beginUnbonding", [minStakeWei], alice));
    });

    it("to a contract that refuses money revert PaymentFailed and change nothing", async () => {
      const { surety } = scenario;
      const { stranger } = scenario.actors;
      const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
      const execute = (functionName: string, args: readonly unknown[] = [], valueWei = 0n) => ({
        from: stranger,
        to: consumer,
        call: "execute",
        args: [
          surety.operators.address,
          encodeFunctionData({ abi: surety.operators.abi, functionName, args }),
        ],
        valueWei,
      });
      await surety.send(execute("deposit", [], 5n));
      await surety.send(execute("beginUnbonding", [5n]));
      const time = (await surety.now()) + surety.parameters.unbondingSeconds;
      expect(await surety.refused({ ...execute("withdraw"), time })).toEqual({
        error: "PaymentFailed",
        args: [consumer.address, 5n],
      });
      expect(await operatorOf(consumer.address)).toMatchObject({ unbondingWei: 5n });
    });
  });

  describe("lock and unlock", () => {
    it("hold part of the stake", async () => {
      const { alice } = scenario.actors;
      const locked = await scenario.surety.send(await asOracle("lock", alice, bondWei));
      expect(eventsOf(locked)).toMatchObject([
        { name: "Locked", args: { operator: alice, amountWei: bondWei } },
      ]);
      expect(await read("freeStakeWei", alice)).toBe(minStakeWei - bondWei);
      const unlocked = await scenario.surety.send(await asOracle("unlock", alice, bondWei));
      expect(eventsOf(unlocked)).toMatchObject([
        { name: "Unlocked", args: { operator: alice, amountWei: bondWei } },
      ]);
      expect(await read("freeStakeWei", alice)).toBe(minStakeWei);
    });

    it("lock of more than is free reverts StakeTooLow: exposure never exceeds stake", async () => {
      const { alice } = scenario.actors;
      for (let i = 0; i < 4; i++) await scenario.surety.send(await asOracle("lock", alice, bondWei));
      expect(await scenario.surety.refused(await asOracle("lock", alice, bondWei))).toEqual({
        error: "StakeTooLow",
        args: [0n, bondWei],
      });
    });

    it("lock of a jailed operator reverts OperatorJailed", async () => {
      const { alice } = scenario.actors;
      await jail(alice);
      expect(await scenario.surety.refused(await asOracle("lock", alice, bondWei))).toEqual({
        error: "OperatorJailed",
        args: [alice],
      });
    });

    it.each(["lock", "unlock"])("%s by anybody but the oracle reverts NotOracle", async (name) => {
      const { stranger } = scenario.actors;
      expect(await scenario.surety.refused(call(name, [stranger, 1n]))).toEqual({
        error: "NotOracle",
        args: [stranger],
      });
    });
  });

  describe("slash", () => {
    it("takes the bond, jails, pays into the game's ledger and burns the rest", async () => {
      const { alice, challenger } = scenario.actors;
      const { surety } = scenario;
      const burnedBefore = await surety.balance(ZERO_ADDRESS);
      const receipt = await jail(alice);
      const paidWei = (bondWei * 8n) / 10n;
      expect(eventsOf(receipt)).toMatchObject([
        {
          name: "Slashed",
          args: { operator: alice, amountWei: bondWei, paidWei, burnedWei: bondWei - paidWei },
        },
        { name: "Credited", args: { account: challenger, amountWei: paidWei } },
      ]);
      expect(await operatorOf(alice)).toMatchObject({
        stakeWei: minStakeWei - bondWei,
        lockedWei: 0n,
        jailed: true,
      });
      expect(await surety.read(surety.game, "creditOf", [challenger])).toBe(paidWei);
      expect(await surety.balance(surety.addresses.game)).toBe(paidWei);
      expect((await surety.balance(ZERO_ADDRESS)) - burnedBefore).toBe(bondWei - paidWei);
    });

    it("leaves a jailed operator its other stake, to be withdrawn", async () => {
      const { alice } = scenario.actors;
      await jail(alice);
      await scenario.surety.send(call("beginUnbonding", [minStakeWei - bondWei], alice));
      const time = (await scenario.surety.now()) + scenario.surety.parameters.unbondingSeconds;
      await scenario.surety.send({ ...call("withdraw", [], alice), time });
      expect(await operatorOf(alice)).toMatchObject({ stakeWei: 0n, unbondingWei: 0n, jailed: true });
    });

    it("by anybody but the oracle reverts NotOracle", async () => {
      const { alice, stranger } = scenario.actors;
      expect(await scenario.surety.refused(call("slash", [alice, 1n, stranger, 1n]))).toEqual({
        error: "NotOracle",
        args: [stranger],
      });
    });
  });

  describe("fine", () => {
    it("moves free stake to another's, burns the rest, and takes nothing that is locked", async () => {
      const { alice, bob } = scenario.actors;
      const { surety } = scenario;
      const burned = await surety.balance(ZERO_ADDRESS);
      const receipt = await surety.send(await asOracle("fine", alice, 10n, bob, 7n));
      expect(eventsOf(receipt)).toMatchObject([
        { name: "Fined", args: { operator: alice, recipient: bob, amountWei: 10n, paidWei: 7n } },
      ]);
      expect(await operatorOf(alice)).toMatchObject({ stakeWei: minStakeWei - 10n, jailed: false });
      expect(await operatorOf(bob)).toMatchObject({ stakeWei: minStakeWei + 7n });
      expect((await surety.balance(ZERO_ADDRESS)) - burned).toBe(3n);
      await surety.send(await asOracle("lock", alice, minStakeWei - 30n));
      const free = 20n;
      const none = await surety.send(await asOracle("fine", alice, free + 1n, bob, 7n));
      expect(eventsOf(none)).toEqual([]);
      expect(await operatorOf(alice)).toMatchObject({ stakeWei: minStakeWei - 10n });
      await surety.send(await asOracle("fine", alice, free, bob, free));
      expect(await read("freeStakeWei", alice)).toBe(0n);
    });

    it("of more than a tenth of a bond reverts FineTooHigh", async () => {
      const { alice, bob } = scenario.actors;
      const fine = await asOracle("fine", alice, bondWei / 10n + 1n, bob, 0n);
      expect(await scenario.surety.refused(fine)).toEqual({
        error: "FineTooHigh",
        args: [bondWei / 10n + 1n, bondWei / 10n],
      });
    });

    it("by anybody but the oracle reverts NotOracle", async () => {
      const { alice, bob, stranger } = scenario.actors;
      expect(await scenario.surety.refused(call("fine", [alice, 1n, bob, 1n]))).toEqual({
        error: "NotOracle",
        args: [stranger],
      });
    });
  });

  describe("pick", () => {
    const block = async () => (await scenario.surety.network.publicClient.getBlockNumber()) as bigint;
    const word = (n: number) => `0x${n.toString(16).padStart(64, "0")}` as const;
    const pick = async (
      seed: number,
      memberCount: number | bigint,
      requestBlock: bigint,
      lockedWei = scenario.surety.parameters.assertionBondWei,
    ) => {
      const args = [modelId, word(seed), BigInt(memberCount), requestBlock, lockedWei];
      const [operator, firstDrawn] = await scenario.surety.read<[string, boolean]>(
        scenario.surety.operators,
        "pick",
        args,
      );
      return { operator, firstDrawn };
    };
    /** Whom twenty seeds draw. */
    const drawn = async (memberCount: number | bigint, requestBlock: bigint) => {
      const all: string[] = [];
      for (let seed = 0; seed < 20; seed++) all.push((await pick(seed, memberCount, requestBlock)).operator);
      return all;
    };
    const only = (who: string) => Array.from({ length: 20 }, () => who);
    const pass = async (blocks: number) => scenario.surety.network.testClient.mine({ blocks });
    const on = (name: string, from: Address) => scenario.surety.send(call(name, [modelId], from));

    it("draws all of a set by turns, each as the seed's place says", async () => {
      const { alice, bob } = scenario.actors;
      await pass(1);
      const all = await drawn(2, await block());
      expect(new Set(all)).toEqual(new Set([alice, bob]));
      for (let seed = 0; seed < 20; seed++) {
        const types = [{ type: "bytes32" }, { type: "uint256" }] as const;
        const hash = keccak256(encodeAbiParameters(types, [word(seed), 0n]));
        expect(all[seed]).toBe([alice, bob][Number(BigInt(hash) % 2n)]);
      }
    });

    it("never draws a jailed operator, before and after it is evicted by anyone", async () => {
      const { alice, bob } = scenario.actors;
      await pass(1);
      const asked = await block();
      await jail(alice);
      expect(await read("serves", alice, modelId)).toBe(false);
      expect(await drawn(2, asked)).toEqual(only(bob));
      const receipt = await scenario.surety.send(call("evict", [alice, modelId]));
      expect(eventsOf(receipt)).toMatchObject([{ name: "LeftModel", args: { operator: alice, modelId } }]);
      expect(await read("servingCount", modelId)).toBe(1n);
      expect(await drawn(2, asked)).toEqual(only(bob));
      expect(await scenario.surety.refused(call("evict", [alice, modelId]))).toMatchObject({
        error: "NotServing",
      });
      expect(await scenario.surety.refused(call("evict", [bob, modelId]))).toEqual({
        error: "NotJailed",
        args: [bob],
      });
    });

    it("prefers who has had a bond free ever since, and takes a busy one when there is no other", async () => {
      const { alice, bob } = scenario.actors;
      await pass(1);
      const asked = await block();
      for (let i = 0; i < 4; i++) await scenario.surety.send(await asOracle("lock", alice, bondWei));
      expect(await drawn(2, asked)).toEqual(only(bob));
      await on("leaveModel", bob);
      expect(await drawn(2, asked)).toEqual(only(alice));
    });

    it("nobody makes itself fit for a request that it has seen, by a deposit or by a bond set free", async () => {
      const { alice, bob } = scenario.actors;
      for (let i = 0; i < 4; i++) await scenario.surety.send(await asOracle("lock", alice, bondWei));
      const asked = await block();
      await scenario.surety.send(await asOracle("unlock", alice, bondWei));
      const unlocked = await block();
      expect(await drawn(2, asked)).toEqual(only(bob));
      expect(await drawn(2, unlocked)).toEqual(only(bob));
      expect(new Set(await drawn(2, unlocked + 1n))).toEqual(new Set([alice, bob]));
      await scenario.surety.send(await asOracle("lock", alice, bondWei));
      await scenario.surety.send(deposit(bondWei, alice));
      const deposited = await block();
      expect(await drawn(2, deposited)).toEqual(only(bob));
      expect(new Set(await drawn(2, deposited + 1n))).toEqual(new Set([alice, bob]));
      // What is not the first draw may have been another's before.
      for (let seed = 0; seed < 20; seed++) {
        const { operator, firstDrawn } = await pick(seed, 2, deposited);
        const before = await pick(seed, 2, deposited + 1n);
        expect(firstDrawn).toBe(before.operator === operator);
      }
    });

    it("above the least bond only who could lock the highest ever since has surely been drawn first", async () => {
      const { alice, bob } = scenario.actors;
      await pass(1);
      const asked = await block();
      const sure = async (of: string, requestBlock: bigint, times: bigint) => {
        const outcomes = new Set<boolean>();
        for (let seed = 0; seed < 20; seed++) {
          const { operator, firstDrawn } = await pick(seed, 2, requestBlock, times * bondWei);
          if (operator === of) outcomes.add(firstDrawn);
        }
        return [...outcomes].sort();
      };
      // Both have four bonds, which is the highest.
      expect(await sure(alice, asked, 2n)).toEqual([true]);
      await scenario.surety.send(await asOracle("lock", alice, bondWei));
      expect(await sure(alice, asked, 2n)).toEqual([false]);
      expect(await sure(alice, asked, 1n)).toEqual([true]);
      expect(await sure(bob, asked, 2n)).toEqual([true]);
      await scenario.surety.send(await asOracle("unlock", alice, bondWei));
      const unlocked = await block();
      expect(await sure(alice, asked, 2n)).toEqual([false]);
      expect(await sure(alice, unlocked, 2n)).toEqual([false]);
      expect(await sure(alice, unlocked + 1n, 2n)).toEqual([true]);
    });

    it("nobody joins for a request that it has seen, not even in its block", async () => {
      const { alice, bob, stranger } = scenario.actors;
      await scenario.surety.send(deposit(minStakeWei));
      await on("joinModel", stranger);
      const joined = await block();
      expect(await drawn(3, joined)).not.toContain(stranger);
      expect(new Set(await drawn(3, joined + 1n))).toEqual(new Set([alice, bob, stranger]));
    });

    it("who leaves gives its turns away, and takes no other's: the last, moved to its place, keeps its own", async () => {
      const { alice, bob, stranger } = scenario.actors;
      await serve(scenario.surety, stranger, modelId);
      await pass(1);
      const asked = await block();
      const before = await drawn(3, asked);
      await on("leaveModel", alice);
      const after = await drawn(3, asked);
      for (const [seed, who] of before.entries()) {
        if (who === alice) expect([bob, stranger]).toContain(after[seed]);
        else expect(after[seed]).toBe(who);
      }
      // Comes back, and is not given what it had given away; nor does it take the place that the moved one had.
      await on("joinModel", alice);
      expect(await drawn(3, asked)).toEqual(after);
      const moved = await block();
      expect(new Set(await drawn(3, moved + 1n))).toEqual(new Set([alice, bob, stranger]));
      // Who was moved and leaves gives both its places away.
      await on("leaveModel", stranger);
      expect(await drawn(3, asked)).toEqual(only(bob));
      await on("joinModel", stranger);
      expect(await drawn(3, asked)).toEqual(only(bob));
    });

    it("of two moved from one place within 256 blocks the first keeps its turns; later, the second", async () => {
      const { alice, bob, stranger, challenger, second } = scenario.actors;
      for (const who of [stranger, challenger]) await serve(scenario.surety, who, modelId);
      await pass(1);
      const asked = await block();
      const before = await drawn(4, asked);
      // Place 3: the challenger's, then the second's.
      await on("leaveModel", alice);
      await serve(scenario.surety, second, modelId);
      const between = (await block()) + 1n;
      await pass(1);
      await on("leaveModel", bob);
      const after = await drawn(4, asked);
      for (const [seed, who] of before.entries())
        if (who === challenger || who === stranger) expect(after[seed]).toBe(who);
      expect(await drawn(4, between)).not.toContain(second);

      // The set is [challenger, second, stranger]: place 3 is free again, and its past forgotten.
      await pass(257);
      await on("joinModel", alice);
      const third = (await block()) + 1n;
      await pass(1);
      const later = await drawn(4, third);
      await on("leaveModel", challenger);
      for (const [seed, who] of (await drawn(4, third)).entries())
        if (later[seed] === alice) expect(who).toBe(alice);
      expect(later).toContain(alice);
    });

    it("of a model that nobody serves is zero", async () => {
      expect(await read("pick", word(2), word(3), 0n, 5n, 1n)).toEqual([ZERO_ADDRESS, false]);
    });

    it("draws 16 times at most, whatever the set", async () => {
      const { surety } = scenario;
      const crowd = surety.accounts.slice(5, 19);
      for (const operator of crowd) await serve(surety, operator, modelId);
      const members = [scenario.actors.alice, scenario.actors.bob, ...crowd];
      for (const operator of members.slice(0, 15)) await jail(operator);
      await pass(1);
      const asked = await block();
      const types = [{ type: "bytes32" }, { type: "uint256" }] as const;
      for (let seed = 0; seed < 20; seed++) {
        const places = Array.from({ length: 16 }, (_, i) =>
          Number(BigInt(keccak256(encodeAbiParameters(types, [word(seed), BigInt(i)]))) % 16n),
        );
        const { operator } = await pick(seed, 16, asked);
        expect(operator).toBe(places.includes(15) ? members[15] : ZERO_ADDRESS);
      }
    });
  });

  it("parameters and wiring are readable", async () => {
    const { addresses } = scenario.surety;
    expect(await read("parameters")).toEqual({
      minStakeWei,
      assertionBondWei: bondWei,
      maxAssertionBondWei: 4n * bondWei,
      unbondingSeconds: 600,
      attention: ZERO_ADDRESS,
    });
    expect(await read("oracle")).toBe(addresses.oracle);
    expect(await read("disputeGame")).toBe(addresses.game);
  });
});
