import { encodeFunctionData, type Hex, size } from "viem";
import { describe, expect, it } from "vitest";
import { BEHAVIOUR } from "../support/consumer.ts";
import { countingModel, outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { type At, assigneeOf, eventOf, eventsOf, serve, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

const STATUS = { none: 0, open: 1, asserted: 2, final: 3, refunded: 4 };

describe("SuretyOracle: answers", () => {
  const scenario = useSurety(smallModel, smallInput);
  const { modelId } = smallModel;
  const read = <Result>(name: string, ...args: readonly unknown[]) =>
    scenario.surety.read<Result>(scenario.surety.oracle, name, args);
  const call = (name: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.oracle,
    call: name,
    args,
  });
  const other = (assignee: string) => {
    const { alice, bob } = scenario.actors;
    return assignee === alice ? bob : alice;
  };
  const afterWindow = async () =>
    (await scenario.surety.now()) + scenario.surety.parameters.challengeWindowSeconds;

  describe("post", () => {
    it("by the assignee roots the output, locks the bond and opens the window", async () => {
      const { surety, honest } = scenario;
      const { requestId, assertionId, poster, receipt } = await scenario.posted();
      const now = await surety.now();
      const { assertionBondWei: bondWei } = surety.parameters;
      expect(eventsOf(receipt)).toMatchObject([
        { name: "Posted", args: { assertionId, requestId, poster, output: scenario.output } },
        { name: "Locked", args: { operator: poster, amountWei: bondWei } },
      ]);
      expect(await read("assertionOf", assertionId)).toEqual({
        poster,
        postedAt: now,
        postedBlock: Number(receipt.blockNumber),
        windowEndsAt: now + surety.parameters.challengeWindowSeconds,
        outputRoot: outputRootOf(smallModel, honest),
        openGames: 0,
        refuted: false,
        finalised: false,
      });
      const { inputRoot } = await read<{ inputRoot: Hex }>("requestOf", requestId);
      expect(await read("claimOf", assertionId)).toEqual([
        poster,
        modelId,
        inputRoot,
        outputRootOf(smallModel, honest),
        true,
      ]);
      expect(await read("requestOf", requestId)).toMatchObject({ status: STATUS.asserted });
    });

    it("by another node is refused to the last exclusive second and accepted after it", async () => {
      const { requestId, assignee } = await scenario.request();
      const { exclusiveUntil } = await read<{ exclusiveUntil: number }>("requestOf", requestId);
      const post = call("post", [requestId, scenario.question, scenario.output], other(assignee));
      expect(await scenario.surety.refused({ ...post, time: exclusiveUntil })).toEqual({
        error: "NotYourTurn",
        args: [assignee, BigInt(exclusiveUntil)],
      });
      await scenario.surety.send({ ...post, time: exclusiveUntil + 1 });
    });

    describe("in the place of an assignee that missed its turn", () => {
      const stakeOf = async (who: string) =>
        (await scenario.surety.read<{ stakeWei: bigint }>(scenario.surety.operators, "operatorOf", [who]))
          .stakeWei;
      /** Requests until the first draw is who answers, so that it has been drawn from the beginning. */
      const missed = async () => {
        const { surety } = scenario;
        const { requestId, assignee } = await scenario.request();
        const { exclusiveUntil } = await read<{ exclusiveUntil: number }>("requestOf", requestId);
        const post = call("post", [requestId, scenario.question, scenario.output], other(assignee));
        const before = { assignee: await stakeOf(assignee), other: await stakeOf(other(assignee)) };
        const burned = await surety.balance(ZERO_ADDRESS);
        return { requestId, assignee, before, burned, post: { ...post, time: exclusiveUntil + 1 } };
      };

      it("takes the penalty from its free stake, to the poster's stake but for the burned part", async () => {
        const { surety } = scenario;
        const { missedTurnPenaltyWei: penalty, burnBps } = surety.parameters;
        const { requestId, assignee, before, burned, post } = await missed();
        const receipt = await surety.send(post);
        const burnedWei = (penalty * BigInt(burnBps)) / 10_000n;
        expect(eventsOf(receipt, "TurnMissed")).toMatchObject([
          { args: { requestId, operator: assignee, poster: other(assignee) } },
        ]);
        expect(eventsOf(receipt, "Fined")).toMatchObject([
          {
            args: {
              operator: assignee,
              recipient: other(assignee),
              amountWei: penalty,
              paidWei: penalty - burnedWei,
            },
          },
        ]);
        expect(await stakeOf(assignee)).toBe(before.assignee - penalty);
        expect(await stakeOf(other(assignee))).toBe(before.other + penalty - burnedWei);
        expect((await surety.balance(ZERO_ADDRESS)) - burned).toBe(burnedWei);
        // Nobody gains by missing its turn and answering by another account.
        expect(burnedWei).toBeGreaterThan(0n);
      });

      it("takes nothing when it answers late itself", async () => {
        const { assignee, before, post } = await missed();
        const receipt = await scenario.surety.send({ ...post, from: assignee });
        expect(eventsOf(receipt, "TurnMissed")).toEqual([]);
        expect(await stakeOf(assignee)).toBe(before.assignee);
      });

      it("takes nothing from who was jailed, has left or has no bond free any more, nor from who was drawn in its stead", async () => {
        const { surety } = scenario;
        const { stranger } = scenario.actors;
        await serve(surety, stranger, modelId);
        const { assignee, post } = await missed();
        const id = await surety.snapshot();
        const { alice, bob } = scenario.actors;
        const others = [alice, bob, stranger].filter((who) => who !== assignee);
        const stakes = () => Promise.all([alice, bob, stranger].map(stakeOf));
        await surety.send({ from: assignee, to: surety.operators, call: "leaveModel", args: [modelId] });
        for (const from of others) {
          const left = await surety.snapshot();
          const before = await stakes();
          const receipt = await surety.send({ ...post, from });
          expect(eventsOf(receipt, "Fined")).toEqual([]);
          expect(await stakes()).toEqual(before);
          await surety.revert(left);
        }
        await surety.revert(id);
        // Of four bonds, less than one is left free.
        const unbond = { from: assignee, to: surety.operators, call: "beginUnbonding" };
        await surety.send({ ...unbond, call: "leaveModel", args: [modelId] });
        await surety.send({ ...unbond, args: [surety.parameters.minStakeWei] });
        expect(eventsOf(await surety.send(post), "Fined")).toEqual([]);
      });

      it("takes nothing after 256 blocks: who was drawn is forgotten", async () => {
        const { before, assignee, post } = await missed();
        await scenario.surety.network.testClient.mine({ blocks: 256 });
        const receipt = await scenario.surety.send({ ...call("post", post.args, post.from) });
        expect(eventsOf(receipt, "TurnMissed")).toEqual([]);
        expect(await stakeOf(assignee)).toBe(before.assignee);
      });
    });

    it("of an unknown request reverts UnknownRequest, of an answered one WrongStatus", async () => {
      expect(await scenario.surety.refused(call("post", [9n, ZERO_HASH, "0x"]))).toEqual({
        error: "UnknownRequest",
        args: [9n],
      });
      const { requestId, poster } = await scenario.posted();
      expect(
        await scenario.surety.refused(call("post", [requestId, scenario.question, scenario.output], poster)),
      ).toEqual({
        error: "WrongStatus",
        args: [STATUS.asserted, STATUS.open],
      });
    });

    it("at the deadline is accepted, after it reverts DeadlinePassed", async () => {
      const { requestId, assignee } = await scenario.request();
      const { deadline } = await read<{ deadline: number }>("requestOf", requestId);
      const post = call("post", [requestId, scenario.question, scenario.output], assignee);
      const id = await scenario.surety.snapshot();
      expect(await scenario.surety.refused({ ...post, time: deadline + 1 })).toEqual({
        error: "DeadlinePassed",
        args: [BigInt(deadline)],
      });
      await scenario.surety.revert(id);
      await scenario.surety.send({ ...post, time: deadline });
    });

    it("by who does not serve the model reverts NotServing", async () => {
      const { stranger } = scenario.actors;
      const { requestId, assignee } = await scenario.request();
      const late = (await scenario.surety.now()) + 100;
      const post = call("post", [requestId, scenario.question, scenario.output]);
      expect(await scenario.surety.refused({ ...post, time: late })).toEqual({
        error: "NotServing",
        args: [stranger, modelId],
      });
      const { surety } = scenario;
      await surety.send({ from: assignee, to: surety.operators, call: "leaveModel", args: [modelId] });
      const left = { ...post, from: assignee, time: late + 100 };
      expect(await surety.refused(left)).toMatchObject({ error: "NotServing" });
    });

    it("with an output of the wrong size reverts WrongOutputSize", async () => {
      const { requestId, assignee } = await scenario.request();
      expect(
        await scenario.surety.refused(call("post", [requestId, scenario.question, "0x1234"], assignee)),
      ).toEqual({
        error: "WrongOutputSize",
        args: [2n, 600n],
      });
    });

    it("without free stake for the bond reverts StakeTooLow", async () => {
      const { surety } = scenario;
      const { alice, bob } = scenario.actors;
      await surety.send({ from: bob, to: surety.operators, call: "leaveModel", args: [modelId] });
      for (let i = 0; i < 4; i++) await scenario.posted();
      const { requestId } = await scenario.request();
      expect(
        await surety.refused(call("post", [requestId, scenario.question, scenario.output], alice)),
      ).toEqual({
        error: "StakeTooLow",
        args: [0n, surety.parameters.assertionBondWei],
      });
    });
  });

  describe("finalise", () => {
    it("after the window stores the result, unlocks the bond and credits the fee, without a callback for Pull", async () => {
      const { surety, honest } = scenario;
      const { requestId, assertionId, poster } = await scenario.posted(honest, { delivery: "pull" });
      const time = await afterWindow();
      const receipt = await surety.send({ ...call("finalise", [requestId, scenario.output]), time });
      const outputRoot = outputRootOf(smallModel, honest);
      expect(eventsOf(receipt)).toMatchObject([
        { name: "Credited", args: { account: poster, amountWei: scenario.feeOf() } },
        { name: "Finalised", args: { assertionId, requestId, outputRoot } },
        { name: "Unlocked", args: { operator: poster, amountWei: surety.parameters.assertionBondWei } },
      ]);
      expect(await read("resultOf", requestId)).toBe(outputRoot);
      expect(await read("requestOf", requestId)).toMatchObject({ status: STATUS.final, delivery: 1 });
      expect(await read("assertionOf", assertionId)).toMatchObject({ finalised: true, refuted: false });
      expect((await read<unknown[]>("claimOf", assertionId))[4]).toBe(false);
      expect(await surety.read(surety.operators, "freeStakeWei", [poster])).toBe(
        surety.parameters.minStakeWei,
      );
      expect(await read("creditOf", poster)).toBe(scenario.feeOf());
      // Bonds and fees in = held.
      expect(await surety.balance(surety.addresses.oracle)).toBe(scenario.feeOf());
      await surety.send(call("withdraw", [], poster));
      expect(await surety.balance(surety.addresses.oracle)).toBe(0n);
    });

    it("in the window's last second reverts WindowOpen", async () => {
      const { requestId } = await scenario.posted();
      const time = await afterWindow();
      expect(
        await scenario.surety.refused({ ...call("finalise", [requestId, scenario.output]), time: time - 1 }),
      ).toEqual({ error: "WindowOpen", args: [BigInt(time)] });
    });

    it("with a game open reverts GamesOpen", async () => {
      const { requestId, assertionId, trace } = await scenario.posted();
      await scenario.open(assertionId, trace);
      const time = await afterWindow();
      expect(
        await scenario.surety.refused({ ...call("finalise", [requestId, scenario.output]), time }),
      ).toEqual({
        error: "GamesOpen",
        args: [1n],
      });
    });

    it("with another output reverts OutputMismatch, with none WrongOutputSize", async () => {
      const { requestId } = await scenario.posted();
      const lie = scenario.lie({ instruction: 0, byte: 3 });
      const time = await afterWindow();
      expect(
        await scenario.surety.refused({ ...call("finalise", [requestId, outputOf(smallModel, lie)]), time }),
      ).toEqual({
        error: "OutputMismatch",
        args: [outputRootOf(smallModel, lie), outputRootOf(smallModel, scenario.honest)],
      });
      expect(await scenario.surety.refused(call("finalise", [requestId, "0x"]))).toEqual({
        error: "WrongOutputSize",
        args: [0n, 1n],
      });
    });

    it("of what is open, final or unknown reverts", async () => {
      expect(await scenario.surety.refused(call("finalise", [9n, "0x"]))).toMatchObject({
        error: "UnknownRequest",
      });
      const { requestId, assignee } = await scenario.request();
      expect(await scenario.surety.refused(call("finalise", [requestId, scenario.output]))).toEqual({
        error: "WrongStatus",
        args: [STATUS.open, STATUS.asserted],
      });
      await scenario.surety.send(call("post", [requestId, scenario.question, scenario.output], assignee));
      const time = await afterWindow();
      await scenario.surety.send({ ...call("finalise", [requestId, scenario.output]), time });
      expect(await scenario.surety.refused(call("finalise", [requestId, scenario.output]))).toEqual({
        error: "WrongStatus",
        args: [STATUS.final, STATUS.asserted],
      });
    });

    it("of an account without code notes a failed delivery and settles", async () => {
      const { requestId } = await scenario.posted();
      const receipt = await scenario.surety.send({
        ...call("finalise", [requestId, scenario.output]),
        time: await afterWindow(),
      });
      expect(eventsOf(receipt, "Delivered")).toMatchObject([
        { args: { requestId, success: false, returnData: "0x" } },
      ]);
      expect(await read("requestOf", requestId)).toMatchObject({ status: STATUS.final });
    });

    it("of a model with several outputs roots each, in the model's order", async () => {
      const { surety } = scenario;
      const { alice, requester } = scenario.actors;
      const model = countingModel(3, 600, [2, 0, 2]);
      const trace = runModel(model, [smallInput]);
      await surety.send({ from: requester, to: surety.registry, call: "register", args: [model.header, ""] });
      await surety.send({ from: alice, to: surety.operators, call: "joinModel", args: [model.modelId] });
      const request = await requestOf(surety, model, smallInput, { delivery: "pull" });
      await surety.send({ ...call("requestInference", [request], requester), valueWei: scenario.feeOf() });
      const output = outputOf(model, trace);
      await surety.send(call("post", [1n, questionFor(model, [smallInput]), output], alice));
      const time = await afterWindow();
      expect(await surety.refused({ ...call("finalise", [1n, scenario.output]), time })).toEqual({
        error: "WrongOutputSize",
        args: [600n, 1800n],
      });
      await surety.send(call("finalise", [1n, output]));
      expect(await read("resultOf", 1n)).toBe(outputRootOf(model, trace));
    });
  });

  describe("a consumer", () => {
    /** A request of a hostile consumer's, answered and out of its window. */
    const answered = async (behaviour: number, callbackGas = 200_000) => {
      const { surety } = scenario;
      const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
      const { stranger } = scenario.actors;
      await surety.send({ from: stranger, to: consumer, call: "behave", args: [behaviour] });
      const request = await requestOf(surety, smallModel, smallInput, { callbackGas });
      const data = encodeFunctionData({
        abi: surety.oracle.abi,
        functionName: "requestInference",
        args: [request],
      });
      const receipt = await surety.send({
        from: stranger,
        to: consumer,
        call: "execute",
        args: [surety.oracle.address, data],
        valueWei: scenario.feeOf(callbackGas),
      });
      const requestId = eventOf(receipt, "Requested").requestId as bigint;
      const assignee = await assigneeOf(surety, requestId);
      await surety.send(call("post", [requestId, scenario.question, scenario.output], assignee));
      const time = await afterWindow();
      return {
        consumer,
        requestId,
        poster: assignee,
        finalise: { ...call("finalise", [requestId, scenario.output]), time },
      };
    };
    const received = (consumer: At) => scenario.surety.read<bigint>(consumer, "received");

    it("is called back once with the output and exactly the gas asked for", async () => {
      const { surety } = scenario;
      const callbackGas = 1_234_567;
      const { consumer, requestId, finalise } = await answered(BEHAVIOUR.accept, callbackGas);
      const receipt = await surety.send(finalise);
      expect(eventsOf(receipt, "Delivered")).toMatchObject([
        { args: { requestId, success: true, returnData: "0x" } },
      ]);
      expect(await received(consumer)).toBe(1n);
      expect(await surety.read(consumer, "lastOutput")).toBe(scenario.output);
      // Between the call and the consumer's first look at its gas lies its dispatch only.
      const given = Number(await surety.read<bigint>(consumer, "gasGiven"));
      expect(callbackGas - given).toBeLessThan(700);
      expect(given).toBeLessThan(callbackGas);
      expect(await surety.refused(call("retry", [requestId, scenario.output]))).toEqual({
        error: "NothingToRetry",
        args: [requestId],
      });
    });

    it.each(
      Object.entries(BEHAVIOUR).filter(
        ([name]) => name !== "accept" && name !== "returnMuch" && name !== "reenter",
      ),
    )("that fails (%s) changes nothing and keeps at most 132 bytes; retry is open", async (_, behaviour) => {
      const { surety } = scenario;
      const { stranger } = scenario.actors;
      const { consumer, requestId, poster, finalise } = await answered(behaviour);
      const receipt = await surety.send(finalise);
      const [delivered] = eventsOf(receipt, "Delivered");
      expect(delivered).toMatchObject({ args: { requestId, success: false } });
      expect(size(delivered?.args.returnData as Hex)).toBeLessThanOrEqual(132);
      expect(await read("creditOf", poster)).toBe(scenario.feeOf(200_000));
      expect(await read("resultOf", requestId)).toBe(outputRootOf(smallModel, scenario.honest));
      expect(receipt.gasUsed).toBeLessThan(400_000n);
      await surety.send({ from: stranger, to: consumer, call: "behave", args: [BEHAVIOUR.accept] });
      const retried = await surety.send(call("retry", [requestId, scenario.output]));
      expect(eventsOf(retried)).toMatchObject([{ name: "Delivered", args: { requestId, success: true } }]);
      expect(await received(consumer)).toBe(1n);
      expect(await surety.refused(call("retry", [requestId, scenario.output]))).toMatchObject({
        error: "NothingToRetry",
      });
    });

    it("that reverts with five words has 132 bytes of it kept", async () => {
      const { finalise } = await answered(BEHAVIOUR.revert);
      const receipt = await scenario.surety.send(finalise);
      expect(size(eventsOf(receipt, "Delivered")[0]?.args.returnData as Hex)).toBe(132);
    });

    it("that returns 64 KB succeeds, and costs the finaliser nothing beyond its gas", async () => {
      const { finalise } = await answered(BEHAVIOUR.returnMuch);
      const receipt = await scenario.surety.send(finalise);
      const [delivered] = eventsOf(receipt, "Delivered");
      expect(delivered).toMatchObject({ args: { success: true } });
      expect(size(delivered?.args.returnData as Hex)).toBe(132);
    });

    it("that needs more gas than it asked for gets it from a generous retry", async () => {
      const { surety } = scenario;
      const { consumer, requestId, finalise } = await answered(BEHAVIOUR.needGas);
      await surety.send(finalise);
      const short = await surety.send({ ...call("retry", [requestId, scenario.output]), gas: 400_000n });
      expect(eventsOf(short, "Delivered")).toMatchObject([{ args: { success: false } }]);
      const generous = await surety.send({ ...call("retry", [requestId, scenario.output]), gas: 1_000_000n });
      expect(eventsOf(generous, "Delivered")).toMatchObject([{ args: { success: true } }]);
      expect(await received(consumer)).toBe(1n);
    });

    it("cannot be starved: finalise and retry with too little gas revert CallbackGasTooLow", async () => {
      const { surety } = scenario;
      const { consumer, requestId, finalise } = await answered(BEHAVIOUR.accept, 1_000_000);
      const required = 1_000_000n + 1_000_000n / 63n + 20_000n;
      const starved = await surety.refused({ ...finalise, gas: 1_090_000n });
      expect(starved).toMatchObject({ error: "CallbackGasTooLow" });
      expect(starved.args[1]).toBe(required);
      // Whatever the gas, a delivery that happens is never a failed one.
      const { time: _, ...again } = finalise;
      let accepted = 0;
      for (let gas = 1_120_000n; gas < 1_220_000n; gas += 3_331n) {
        const id = await surety.snapshot();
        const outcome = await surety.send({ ...again, gas }).catch(() => undefined);
        if (outcome !== undefined) {
          accepted++;
          expect(eventsOf(outcome, "Delivered")).toMatchObject([{ args: { success: true } }]);
        }
        await surety.revert(id);
      }
      expect(accepted).toBeGreaterThan(5);
      await surety.send({
        from: scenario.actors.stranger,
        to: consumer,
        call: "behave",
        args: [BEHAVIOUR.revert],
      });
      await surety.send(again);
      expect(
        await surety.refused({ ...call("retry", [requestId, scenario.output]), gas: 1_030_000n }),
      ).toMatchObject({
        error: "CallbackGasTooLow",
      });
    });

    it.each(["requestInference", "finalise", "retry", "refund", "post", "withdraw"])(
      "that re-enters %s is refused by the lock, and delivery goes on",
      async (name) => {
        const { surety } = scenario;
        const { consumer, requestId, finalise } = await answered(BEHAVIOUR.accept, 1_000_000);
        const args = {
          requestInference: [await requestOf(surety, smallModel, smallInput)],
          finalise: [requestId, scenario.output],
          retry: [requestId, scenario.output],
          refund: [requestId],
          post: [requestId, scenario.question, scenario.output],
          withdraw: [],
        }[name] as readonly unknown[];
        const data = encodeFunctionData({ abi: surety.oracle.abi, functionName: name, args });
        await surety.send({
          from: scenario.actors.stranger,
          to: consumer,
          call: "reenterWith",
          args: [surety.oracle.address, data],
        });
        const receipt = await surety.send(finalise);
        expect(eventsOf(receipt, "Delivered")).toMatchObject([{ args: { success: true } }]);
        expect(await surety.read(consumer, "reentered")).toBe(false);
        // ReentrancyGuardReentrantCall()
        expect(await surety.read(consumer, "reentryError")).toBe("0x3ee5aeb5");
        expect(await received(consumer)).toBe(1n);
      },
    );

    it("retry of an unknown, open or pulled request reverts NothingToRetry; with another output OutputMismatch", async () => {
      const { surety } = scenario;
      expect(await surety.refused(call("retry", [9n, "0x"]))).toMatchObject({ error: "UnknownRequest" });
      const { requestId } = await scenario.posted(scenario.honest, { delivery: "pull" });
      expect(await surety.refused(call("retry", [requestId, scenario.output]))).toMatchObject({
        error: "NothingToRetry",
      });
      const failing = await answered(BEHAVIOUR.revert);
      await surety.send(failing.finalise);
      const wrong = outputOf(smallModel, scenario.lie({ instruction: 2, byte: 0 }));
      expect(await surety.refused(call("retry", [failing.requestId, wrong]))).toMatchObject({
        error: "OutputMismatch",
      });
    });
  });

  it.each(["onGameOpened", "onGameClosed"])(
    "%s by anybody but the game reverts NotDisputeGame",
    async (name) => {
      const { stranger } = scenario.actors;
      expect(await scenario.surety.refused(call(name, [256n]))).toEqual({
        error: "NotDisputeGame",
        args: [stranger],
      });
    },
  );

  it("onRefuted by anybody but the game reverts NotDisputeGame", async () => {
    const { stranger } = scenario.actors;
    expect(await scenario.surety.refused(call("onRefuted", [256n, ZERO_ADDRESS]))).toEqual({
      error: "NotDisputeGame",
      args: [stranger],
    });
  });
});
