import { describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { viewOf } from "../support/players.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { assigneeOf, eventOf, eventsOf, ZERO_ADDRESS } from "../support/surety.ts";
import { burnedOf, purse } from "./attack.ts";

/** Weaknesses published of UMA's optimistic oracle, tried here. */
describe("published weaknesses of UMA", () => {
  const scenario = useSurety(smallModel, smallInput);
  const lie = scenario.lie({ instruction: 2, byte: 5 });

  // OptimisticOracleV3: "The recipient _must_ implement these callbacks and not revert or the assertion resolution will be blocked"
  // (UMAprotocol/protocol pull request 4292); for V2 the audit of a user found that the dispute's callback "might not be guaranteed to execute"
  // (pull request 3935, M03). Would succeed if `onGameOpened` or `onRefuted` called the requester, or a failed callback reverted.
  it.each(["revert", "burnGas", "revertMuch"] as const)(
    "UMA, a recipient that fails (%s): it blocks neither the post, nor the dispute, the slash, the next answer or its finality",
    async (behaviour) => {
      const { surety, honest } = scenario;
      const { challenger } = scenario.actors;
      const consumer = await hostileConsumer(scenario);
      // It takes the provisional answer, so that it is owed its revocation, and turns hostile then.
      const { requestId, assignee } = await consumer.ask({ delivery: "both", callbackGas: 800_000 });
      const post = (from: typeof assignee, trace: typeof lie) =>
        surety.send({
          from,
          to: surety.oracle,
          call: "post",
          args: [requestId, scenario.question, scenario.outputOf(trace)],
        });
      const told = await post(assignee, lie);
      expect(eventOf(told, "DeliveredProvisionally")).toMatchObject({ success: true });
      await consumer.behave(behaviour);

      const winner = await purse(surety, challenger);
      const liar = await purse(surety, assignee);
      const gameId = await scenario.open(requestId * 256n, lie);
      const moves = await scenario.play(gameId, lie, assignee);
      expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won" });
      const { assertionBondWei } = surety.parameters;
      expect(await winner.gained()).toBe(assertionBondWei - burnedOf(surety, assertionBondWei));
      expect(await liar.gained()).toBe(-assertionBondWei);

      expect(eventsOf(moves.at(-1)?.receipt as never, "Reopened")).toHaveLength(1);
      const next = await assigneeOf(surety, requestId);
      expect(next).not.toBe(assignee);
      const answerer = await purse(surety, next);
      await post(next, honest);
      const receipt = await surety.send({
        from: scenario.actors.stranger,
        to: surety.oracle,
        call: "finalise",
        args: [requestId, scenario.output],
        time: (await surety.now()) + surety.parameters.challengeWindowSeconds,
      });
      expect(eventsOf(receipt, "Finalised")).toHaveLength(1);
      expect(await answerer.gained()).toBe(scenario.feeOf(800_000, "both"));
    },
  );

  // UMAprotocol/protocol pull request 2329 (audit of December 2020, H01 "Bond penalty may not apply"): who proposed and disputed by one's own hand
  // paid the penalty to oneself, and could so delay for the fee alone. Would succeed with `burnBps` 0, which no constructor takes.
  it.each([
    ["a liar that refutes itself", true],
    ["a node that loses to itself", false],
  ] as const)(
    "UMA, the proposer disputes itself: %s loses the burned share, and gains no time but its game's",
    async (_, lies) => {
      const { surety, honest } = scenario;
      const { alice, bob, second: friend } = scenario.actors;
      const { assertionBondWei, challengeBondWei, challengeWindowSeconds } = surety.parameters;
      const trace = lies ? lie : honest;
      const plot = await purse(surety, alice, bob, friend);
      const burned = await purse(surety, ZERO_ADDRESS);
      const { requestId, assertionId, poster } = await scenario.posted(trace);
      const postedAt = await surety.now();
      const gameId = await scenario.open(assertionId, trace, friend);
      if (lies) {
        await scenario.play(gameId, trace, poster);
      } else {
        await scenario.play(gameId, trace, poster, lie).catch(() => undefined);
        const { turnEndsAt } = await viewOf(surety, gameId);
        const args = [gameId];
        await surety.send({
          from: friend,
          to: surety.game,
          call: "claimTimeout",
          args,
          time: turnEndsAt + 1,
        });
      }
      const lost = lies ? assertionBondWei : challengeBondWei;
      const cost = burnedOf(surety, lost);
      expect(cost).toBeGreaterThan(0n);
      expect(await plot.gained()).toBe(-cost);
      expect(await burned.gained()).toBe(cost);
      const bound = Number(await surety.read<bigint>(surety.game, "maxGameSeconds"));
      expect((await surety.now()) - postedAt).toBeLessThanOrEqual(challengeWindowSeconds + bound);
      // What was refuted is gone: the request waits for the next node, and the fee is still there.
      const { status } = await surety.read<{ status: number }>(surety.oracle, "requestOf", [requestId]);
      expect(status).toBe(lies ? 1 : 2);
      expect(await surety.balance(surety.addresses.oracle)).toBe(scenario.feeOf());
    },
  );

  it("UMA, the proposer disputes itself: that keeps nobody else from refuting, nor from the reward", async () => {
    const { surety } = scenario;
    const { challenger, second: friend } = scenario.actors;
    const { assertionId, poster } = await scenario.posted(lie);
    const winner = await purse(surety, challenger);
    const plot = await purse(surety, poster, friend);
    const idle = await scenario.open(assertionId, lie, friend);
    const gameId = await scenario.open(assertionId, lie);
    await scenario.play(gameId, lie, poster);
    await surety.send({ from: friend, to: surety.game, call: "closeVoid", args: [idle] });
    const { assertionBondWei } = surety.parameters;
    expect(await winner.gained()).toBe(assertionBondWei - burnedOf(surety, assertionBondWei));
    expect(await plot.gained()).toBe(-assertionBondWei);
  });
});
