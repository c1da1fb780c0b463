import { describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventOf, eventsOf } from "../support/surety.ts";
import { expectNothingToHappen, purse } from "./attack.ts";

/** Weaknesses to be read in the first contracts of ORA's OAO, tried here. */
describe("published weaknesses of OAO", () => {
  const scenario = useSurety(smallModel, smallInput);
  const on = (call: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });

  // ora-io/OAO, contracts/AIOracle.sol: `updateResult` may be called by anyone, as often as one likes, and each call runs the consumer's callback.
  // Would succeed if `retry` did not ask whether a delivery is owed, or a final answer could be made final again.
  it.each(["final", "both", "provisional"] as const)(
    "OAO, replayed callbacks: an answer delivered (%s) is delivered once, whoever asks for more",
    async (delivery) => {
      const { surety } = scenario;
      const consumer = await hostileConsumer(scenario);
      const { requestId, assignee } = await consumer.ask({ delivery, callbackGas: 500_000 });
      const answer = [requestId, scenario.question, scenario.output];
      await surety.send(on("post", answer, assignee));
      const heard = async () => ({
        provisional: await consumer.read("receivedProvisionally"),
        final: await consumer.read("received"),
        revoked: await consumer.read("revocations"),
      });
      const tellAgain = [
        on("post", answer, assignee),
        on("retry", [requestId, scenario.output]),
        on("revoke", [requestId]),
        consumer.asConsumer(on("retry", [requestId, scenario.output])),
      ];
      const provisional = delivery === "final" ? 0n : 1n;
      await expectNothingToHappen(surety, tellAgain);
      expect(await heard()).toEqual({ provisional, final: 0n, revoked: 0n });

      const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
      await surety.send({ ...on("finalise", [requestId, scenario.output]), time });
      const final = delivery === "provisional" ? 0n : 1n;
      expect(await heard()).toEqual({ provisional, final, revoked: 0n });
      await expectNothingToHappen(surety, [
        ...tellAgain,
        on("finalise", [requestId, scenario.output]),
        on("finaliseByReference", [requestId, await surety.read(surety.oracle, "resultOf", [requestId])]),
        on("refund", [requestId]),
      ]);
      expect(await heard()).toEqual({ provisional, final, revoked: 0n });
    },
  );

  // The same file: `invokeCallback` uploads the result and then requires the callback to succeed, so that a consumer that reverts keeps the result off
  // the chain. Would succeed if `post` or `finalise` reverted with the consumer, or handed it all the gas there is.
  it.each(["revert", "burnGas", "revertMuch", "returnMuch"] as const)(
    "OAO, a callback that blocks the post: a consumer that fails (%s) keeps neither the answer from standing nor its poster from its fee",
    async (behaviour) => {
      const { surety } = scenario;
      const consumer = await hostileConsumer(scenario);
      await consumer.behave(behaviour);
      const callbackGas = 300_000;
      const { requestId, assignee } = await consumer.ask({ delivery: "both", callbackGas });
      const poster = await purse(surety, assignee);
      const success = behaviour === "returnMuch";
      const posted = await surety.send(on("post", [requestId, scenario.question, scenario.output], assignee));
      expect(eventsOf(posted, "Posted")).toHaveLength(1);
      expect(eventOf(posted, "DeliveredProvisionally")).toMatchObject({ success });
      expect(posted.gasUsed).toBeLessThan(500_000n);
      const finalised = await surety.send({
        ...on("finalise", [requestId, scenario.output]),
        time: (await surety.now()) + surety.parameters.challengeWindowSeconds,
      });
      expect(eventOf(finalised, "Delivered")).toMatchObject({ success });
      expect(finalised.gasUsed).toBeLessThan(500_000n);
      expect(await poster.gained()).toBe(scenario.feeOf(callbackGas, "both"));
      const { lockedWei } = await surety.read<{ lockedWei: bigint }>(surety.operators, "operatorOf", [
        assignee,
      ]);
      expect(lockedWei).toBe(0n);
    },
  );
});
