import { parseEther } from "viem";
import { describe, expect, it } from "vitest";
import { outputOf } from "../support/models.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventsOf } from "../support/surety.ts";

/** 1 to 3 ether of bond, 20 to 60 seconds of window, a tenth of what is at risk. */
const PARAMETERS = {
  assertionBondWei: parseEther("1"),
  maxAssertionBondWei: parseEther("3"),
  challengeWindowSeconds: 20,
  maxChallengeWindowSeconds: 60,
  bondBps: 1_000,
};
/** Twice the least bond, half way to the longest window. */
const TWENTY = parseEther("20");

describe("SuretyOracle: value at risk", () => {
  const scenario = useSurety(smallModel, smallInput, PARAMETERS);
  const on = (call: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });
  const termsOf = (wei: bigint) =>
    scenario.surety.read<[bigint, bigint]>(scenario.surety.oracle, "termsOf", [wei]);
  const quote = (wei: bigint) =>
    scenario.surety.read<bigint>(scenario.surety.oracle, "quote", [
      ...[smallModel.modelId, 100_000, 0, "0x0000000000000000000000000000000000000000", wei],
    ]);
  /** The base fee and the callback's, for twice the least bond. */
  const doubleFee = () => scenario.feeOf() + scenario.surety.parameters.baseFeeWei;
  const posted = async (trace = scenario.honest) =>
    scenario.posted(trace, { valueAtRiskWei: TWENTY, valueWei: doubleFee() });

  it("sets bond and window in a straight line between the published bounds", async () => {
    const ether = parseEther;
    expect(await termsOf(0n)).toEqual([ether("1"), 20n]);
    expect(await termsOf(ether("10"))).toEqual([ether("1"), 20n]);
    // One wei above: the bond is rounded up, and so is the window.
    expect(await termsOf(ether("10") + 1n)).toEqual([ether("1") + 1n, 21n]);
    expect(await termsOf(ether("15"))).toEqual([ether("1.5"), 30n]);
    expect(await termsOf(TWENTY)).toEqual([ether("2"), 40n]);
    expect(await termsOf(ether("30"))).toEqual([ether("3"), 60n]);
  });

  it("above the highest bond is refused, in views and requests", async () => {
    const tooMuch = parseEther("30") + 1n;
    const error = { error: "ValueAtRiskTooHigh", args: [tooMuch, parseEther("30")] };
    expect(await scenario.surety.refused(on("termsOf", [tooMuch]))).toEqual(error);
    await expect(scenario.request({ valueAtRiskWei: tooMuch, valueWei: 10n ** 18n })).rejects.toThrow(
      "ValueAtRiskTooHigh",
    );
    // The most that the field holds overflows nothing.
    expect(await scenario.surety.refused(on("termsOf", [2n ** 128n - 1n]))).toMatchObject({
      error: "ValueAtRiskTooHigh",
    });
  });

  it("makes the base fee grow with the bond", async () => {
    expect(await quote(0n)).toBe(scenario.feeOf());
    expect(await quote(TWENTY)).toBe(doubleFee());
    await expect(scenario.request({ valueAtRiskWei: TWENTY })).rejects.toThrow("FeeTooLow");
  });

  it("locks the higher bond, and is final only after the longer window", async () => {
    const { surety, output } = scenario;
    const { requestId, assertionId, poster } = await posted();
    const { stakeWei, lockedWei } = await surety.read<{ stakeWei: bigint; lockedWei: bigint }>(
      surety.operators,
      "operatorOf",
      [poster],
    );
    expect(lockedWei).toBe(parseEther("2"));
    const postedAt = await surety.now();
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      bondWei: parseEther("2"),
      fee: doubleFee(),
    });
    expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({
      windowEndsAt: postedAt + 40,
    });
    const finalise = on("finalise", [requestId, output]);
    expect(await surety.refused({ ...finalise, time: postedAt + 39 })).toEqual({
      error: "WindowOpen",
      args: [BigInt(postedAt + 40)],
    });
    await surety.send({ ...finalise, time: postedAt + 40 });
    expect(await surety.read(surety.operators, "freeStakeWei", [poster])).toBe(stakeWei);
    expect(await surety.read(surety.oracle, "creditOf", [poster])).toBe(doubleFee());
  });

  it("can be challenged to the longer window's last second, and the higher bond is lost", async () => {
    const { surety, actors } = scenario;
    const lie = scenario.lie({ instruction: 2, byte: 5 });
    const { requestId, assertionId, poster } = await posted(lie);
    const postedAt = await surety.now();
    await surety.network.testClient.setNextBlockTimestamp({ timestamp: BigInt(postedAt + 38) });
    await surety.network.testClient.mine({ blocks: 1 });
    const gameId = await scenario.open(assertionId, lie);
    const moves = await scenario.play(gameId, lie, poster);
    const receipt = moves.at(-1)?.receipt as never;
    const paidWei = (parseEther("2") * BigInt(10_000 - surety.parameters.burnBps)) / 10_000n;
    expect(eventsOf(receipt, "Slashed")).toMatchObject([
      { args: { operator: poster, amountWei: parseEther("2"), paidWei } },
    ]);
    expect(await surety.read(surety.game, "creditOf", [actors.challenger])).toBe(
      paidWei + surety.parameters.challengeBondWei,
    );
    // Opened again on the same terms.
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      status: 1,
      bondWei: parseEther("2"),
    });
  });

  it("a missed turn is fined at any bond, of who could have locked the highest", async () => {
    const { surety, actors } = scenario;
    const { requestId, assignee } = await scenario.request({ valueAtRiskWei: TWENTY, valueWei: doubleFee() });
    const answering = assignee === actors.alice ? actors.bob : actors.alice;
    const late = (await surety.now()) + surety.parameters.exclusiveSeconds + 1;
    const receipt = await surety.send({
      ...on("post", [requestId, scenario.question, scenario.output], answering),
      time: late,
    });
    expect(eventsOf(receipt, "TurnMissed")).toMatchObject([
      { args: { requestId, operator: assignee, poster: answering } },
    ]);
    expect(eventsOf(receipt, "Fined")).toMatchObject([
      { args: { operator: assignee, amountWei: surety.parameters.missedTurnPenaltyWei } },
    ]);
  });

  it("maxCapital names the bond of the assertion, not the least one", async () => {
    const { surety } = scenario;
    const capitalOf = async (assertionId: bigint) => {
      const args = [assertionId, smallModel.header, 600];
      const [, poster] = await surety.read<[unknown, { bondWei: bigint }]>(surety.game, "maxCapital", args);
      return poster.bondWei;
    };
    expect(await capitalOf((await posted()).assertionId)).toBe(parseEther("2"));
    expect(await capitalOf((await scenario.posted()).assertionId)).toBe(parseEther("1"));
  });

  it("is drawn to who has the higher bond free, and refused to post without it", async () => {
    const { surety, actors, question } = scenario;
    const { alice, bob } = actors;
    // Bob keeps four ether; Alice's are held by three other answers, all but one.
    for (let i = 0; i < 3; i++) {
      const { requestId } = await scenario.request();
      const late = (await surety.now()) + surety.parameters.exclusiveSeconds + 1;
      const args = [requestId, question, outputOf(smallModel, scenario.honest)];
      await surety.send({ ...on("post", args, alice), time: late });
    }
    for (let i = 0; i < 4; i++) {
      const { requestId, assignee } = await scenario.request({
        valueAtRiskWei: TWENTY,
        valueWei: doubleFee(),
      });
      expect(assignee).toBe(bob);
      const args = [requestId, question, scenario.output];
      const late = (await surety.now()) + surety.parameters.exclusiveSeconds + 1;
      const id = await surety.snapshot();
      expect(await surety.refused({ ...on("post", args, alice), time: late })).toMatchObject({
        error: "StakeTooLow",
        args: [expect.anything(), parseEther("2")],
      });
      await surety.revert(id);
    }
  });
});
