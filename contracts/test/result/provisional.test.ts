import type { CommittedTrace } from "@surety/engine";
import { type Address, encodeFunctionData, type Hex, size } from "viem";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../chain/src/reads/request.ts";
import { type BEHAVIOUR, type HostileConsumer, hostileConsumer } from "../support/consumer.ts";
import { outputOf, outputRootOf } from "../support/models.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventsOf } from "../support/surety.ts";

const CALLBACK_GAS = 1_000_000;

describe("SuretyOracle: provisional answers", () => {
  const scenario = useSurety(smallModel, smallInput);
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const on = (call: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });
  const send = (call: string, args: readonly unknown[], from?: Address) =>
    scenario.surety.send(on(call, args, from));
  const refused = (call: string, ...args: readonly unknown[]) => scenario.surety.refused(on(call, args));
  const stateOf = (requestId: bigint) =>
    scenario.surety.read<{ callbackOwed: boolean; revocationDue: boolean; status: number }>(
      scenario.surety.oracle,
      "requestOf",
      [requestId],
    );
  const other = (assignee: Address) => {
    const { alice, bob } = scenario.actors;
    return assignee === alice ? bob : alice;
  };
  const output = (trace: CommittedTrace) => outputOf(smallModel, trace);

  /** A consumer whose request is answered by its assignee. */
  const answered = async (
    delivery: Delivery,
    trace = scenario.honest,
    behaviour: keyof typeof BEHAVIOUR = "accept",
    callbackGas = CALLBACK_GAS,
  ) => {
    const consumer = await hostileConsumer(scenario);
    await consumer.behave(behaviour);
    const { requestId, assignee } = await consumer.ask({ delivery, callbackGas });
    const receipt = await send("post", [requestId, scenario.question, output(trace)], assignee);
    return { consumer, requestId, poster: assignee, receipt };
  };
  const refute = async (requestId: bigint, poster: Address, attempt = 0n) => {
    const gameId = await scenario.open(requestId * 256n + attempt, lie);
    const moves = await scenario.play(gameId, lie, poster);
    expect(eventsOf(moves.at(-1)?.receipt as never, "Refuted")).toHaveLength(1);
    // The dispute called nobody.
    expect(
      moves.flatMap(({ receipt }) => eventsOf(receipt)).filter(({ name }) => /Deliver/.test(name)),
    ).toEqual([]);
  };
  const finalise = async (requestId: bigint, trace = scenario.honest) => {
    const time = (await scenario.surety.now()) + scenario.surety.parameters.challengeWindowSeconds;
    return scenario.surety.send({ ...on("finalise", [requestId, output(trace)]), time });
  };
  const heard = async (consumer: HostileConsumer) => ({
    provisional: Number(await consumer.read("receivedProvisionally")),
    revoked: Number(await consumer.read("revocations")),
    final: Number(await consumer.read("received")),
  });

  describe("post", () => {
    it("calls back with the output and exactly the gas asked for, once the answer is stored", async () => {
      const { consumer, requestId, poster, receipt } = await answered("both");
      expect(eventsOf(receipt).map(({ name }) => name)).toEqual([
        "Posted",
        "Locked",
        "DeliveredProvisionally",
      ]);
      expect(eventsOf(receipt, "DeliveredProvisionally")).toMatchObject([
        { args: { requestId, success: true, returnData: "0x" } },
      ]);
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 0, final: 0 });
      expect(await consumer.read("lastOutput")).toBe(scenario.output);
      const given = Number(await consumer.read<bigint>("gasGiven"));
      expect(CALLBACK_GAS - given).toBeLessThan(700);
      expect(given).toBeLessThan(CALLBACK_GAS);
      expect(await stateOf(requestId)).toMatchObject({
        delivery: 3,
        callbackOwed: false,
        revocationDue: false,
      });
      // Each callback is paid for.
      await finalise(requestId);
      expect(await scenario.surety.read(scenario.surety.oracle, "creditOf", [poster])).toBe(
        scenario.feeOf(CALLBACK_GAS, "both"),
      );
    });

    it.each<[Delivery, number, number]>([
      ["pull", 0, 0],
      ["provisional", 1, 0],
      ["final", 0, 1],
      ["both", 1, 1],
    ])("and finalise call back what %s asks for", async (delivery, provisional, final) => {
      const { consumer, requestId } = await answered(delivery);
      expect(await heard(consumer)).toEqual({ provisional, revoked: 0, final: 0 });
      await finalise(requestId);
      expect(await heard(consumer)).toEqual({ provisional, revoked: 0, final });
      expect(await refused("retry", requestId, scenario.output)).toMatchObject({ error: "NothingToRetry" });
    });

    it.each(["revert", "burnGas", "revertMuch", "needGas"] as const)(
      "is not blocked by a consumer that fails (%s); retry is open while the answer stands",
      async (behaviour) => {
        const { consumer, requestId, receipt } = await answered(
          "provisional",
          scenario.honest,
          behaviour,
          200_000,
        );
        const [delivered] = eventsOf(receipt, "DeliveredProvisionally");
        expect(delivered).toMatchObject({ args: { requestId, success: false } });
        expect(size(delivered?.args.returnData as Hex)).toBeLessThanOrEqual(132);
        expect(receipt.gasUsed).toBeLessThan(500_000n);
        expect(await stateOf(requestId)).toMatchObject({ status: 2, callbackOwed: true });
        await consumer.behave("accept");
        expect(await refused("retry", requestId, output(lie))).toMatchObject({ error: "OutputMismatch" });
        const retried = await send("retry", [requestId, scenario.output]);
        expect(eventsOf(retried)).toMatchObject([
          { name: "DeliveredProvisionally", args: { success: true } },
        ]);
        expect(await refused("retry", requestId, scenario.output)).toMatchObject({ error: "NothingToRetry" });
        expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 0, final: 0 });
      },
    );

    it("keeps at most 132 bytes of 64 KiB that the consumer returns", async () => {
      const { receipt } = await answered("provisional", scenario.honest, "returnMuch");
      const [delivered] = eventsOf(receipt, "DeliveredProvisionally");
      expect(delivered).toMatchObject({ args: { success: true } });
      expect(size(delivered?.args.returnData as Hex)).toBe(132);
    });

    it("for an account without code notes a failed callback", async () => {
      const { receipt } = await scenario.posted(scenario.honest, { delivery: "provisional" });
      expect(eventsOf(receipt, "DeliveredProvisionally")).toMatchObject([
        { args: { success: false, returnData: "0x" } },
      ]);
    });

    it("cannot starve the callback: with too little gas it reverts CallbackGasTooLow", async () => {
      const { surety } = scenario;
      const consumer = await hostileConsumer(scenario);
      const { requestId, assignee } = await consumer.ask({
        delivery: "provisional",
        callbackGas: CALLBACK_GAS,
      });
      const post = on("post", [requestId, scenario.question, scenario.output], assignee);
      let accepted = 0;
      for (let gas = 1_100_000n; gas < 1_260_000n; gas += 7_331n) {
        const id = await surety.snapshot();
        const { receipt, error } = await surety.attempt({ ...post, gas });
        if (receipt !== undefined) {
          accepted++;
          expect(eventsOf(receipt, "DeliveredProvisionally")).toMatchObject([{ args: { success: true } }]);
        } else expect(["CallbackGasTooLow", ""]).toContain(error);
        await surety.revert(id);
      }
      expect(accepted).toBeGreaterThan(5);
      expect(await surety.refused({ ...post, gas: 1_130_000n })).toMatchObject({
        error: "CallbackGasTooLow",
        args: [expect.anything(), 1_000_000n + 1_000_000n / 63n + 20_000n],
      });
    });

    it.each(["requestInference", "post", "retry", "revoke", "refund", "withdraw"])(
      "cannot be re-entered by %s",
      async (name) => {
        const { surety } = scenario;
        const consumer = await hostileConsumer(scenario);
        const { requestId, assignee } = await consumer.ask({ delivery: "both", callbackGas: CALLBACK_GAS });
        const args: Record<string, readonly unknown[]> = {
          requestInference: [await requestOf(surety, smallModel, smallInput)],
          post: [requestId, scenario.question, scenario.output],
          retry: [requestId, scenario.output],
          withdraw: [],
        };
        await consumer.reenterWith(surety.oracle, name, args[name] ?? [requestId]);
        await send("post", [requestId, scenario.question, scenario.output], assignee);
        expect(await consumer.read("reentered")).toBe(false);
        // ReentrancyGuardReentrantCall()
        expect(await consumer.read("reentryError")).toBe("0x3ee5aeb5");
        expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 0, final: 0 });
      },
    );
  });

  describe("a refuted provisional answer", () => {
    it("is revoked, once; the new answer is delivered anew, provisionally and finally", async () => {
      const { consumer, requestId, poster } = await answered("both", lie);
      expect(await consumer.read("lastOutput")).toBe(output(lie));
      await refute(requestId, poster);
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 0, final: 0 });
      expect(await stateOf(requestId)).toMatchObject({ status: 1, callbackOwed: false, revocationDue: true });

      const revoked = await send("revoke", [requestId]);
      expect(eventsOf(revoked)).toMatchObject([
        { name: "RevocationDelivered", args: { requestId, success: true, returnData: "0x" } },
      ]);
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 1, final: 0 });
      expect(await refused("revoke", requestId)).toEqual({ error: "NothingToRevoke", args: [requestId] });

      await send("post", [requestId, scenario.question, scenario.output], other(poster));
      expect(await heard(consumer)).toEqual({ provisional: 2, revoked: 1, final: 0 });
      await finalise(requestId);
      expect(await heard(consumer)).toEqual({ provisional: 2, revoked: 1, final: 1 });
      expect(await consumer.read("lastOutput")).toBe(scenario.output);
    });

    it.each(["provisional", "both"] as const)(
      "holds the next answers back until it is revoked, and never the post or finality (%s)",
      async (delivery) => {
        const { consumer, requestId, poster } = await answered(delivery, lie);
        await refute(requestId, poster);
        const posted = await send("post", [requestId, scenario.question, scenario.output], other(poster));
        expect(eventsOf(posted, "DeliveredProvisionally")).toMatchObject([{ args: { success: false } }]);
        expect(await refused("retry", requestId, scenario.output)).toEqual({
          error: "RevocationDue",
          args: [requestId],
        });
        const receipt = await finalise(requestId);
        expect(eventsOf(receipt, "Finalised")).toHaveLength(1);
        expect(eventsOf(receipt, "Delivered")).toMatchObject(
          delivery === "both" ? [{ args: { success: false, returnData: "0x" } }] : [],
        );
        expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 0, final: 0 });
        expect(await stateOf(requestId)).toMatchObject({ callbackOwed: true, revocationDue: true });

        await send("revoke", [requestId]);
        await send("retry", [requestId, scenario.output]);
        expect(await heard(consumer)).toEqual(
          delivery === "both"
            ? { provisional: 1, revoked: 1, final: 1 }
            : { provisional: 2, revoked: 1, final: 0 },
        );
        expect(await refused("retry", requestId, scenario.output)).toMatchObject({ error: "NothingToRetry" });
      },
    );

    it("that the consumer never took needs no revocation, and its callback is owed no more", async () => {
      const { consumer, requestId, poster } = await answered("both", lie, "revert");
      expect(await stateOf(requestId)).toMatchObject({ callbackOwed: true });
      await refute(requestId, poster);
      expect(await stateOf(requestId)).toMatchObject({ callbackOwed: false, revocationDue: false });
      expect(await refused("revoke", requestId)).toMatchObject({ error: "NothingToRevoke" });
      expect(await refused("retry", requestId, output(lie))).toMatchObject({ error: "NothingToRetry" });
      await consumer.behave("accept");
      await send("post", [requestId, scenario.question, scenario.output], other(poster));
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 0, final: 0 });
    });

    it("of two lies is revoked once, after the second too", async () => {
      const { consumer, requestId, poster } = await answered("provisional", lie);
      await refute(requestId, poster);
      const second = other(poster);
      await send("post", [requestId, scenario.question, output(lie)], second);
      const gameId = await scenario.open(requestId * 256n + 1n, lie, scenario.actors.second);
      await scenario.play(gameId, lie, second);
      expect(await stateOf(requestId)).toMatchObject({ callbackOwed: false, revocationDue: true });
      await send("revoke", [requestId]);
      expect(await refused("revoke", requestId)).toMatchObject({ error: "NothingToRevoke" });
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 1, final: 0 });
    });

    it("is revoked even when the request was refunded meanwhile", async () => {
      const { consumer, requestId, poster } = await answered("both", lie);
      await refute(requestId, poster);
      const time = (await scenario.surety.now()) + 10_001;
      await scenario.surety.send({ ...on("refund", [requestId]), time });
      await send("revoke", [requestId]);
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 1, final: 0 });
    });

    it.each(["revert", "burnGas", "returnMuch", "revertMuch"] as const)(
      "a consumer that meets the revocation with %s keeps it due at most",
      async (behaviour) => {
        const { surety } = scenario;
        const { consumer, requestId, poster } = await answered("provisional", lie);
        await refute(requestId, poster);
        await consumer.behave(behaviour);
        const first = await surety.send({ ...on("revoke", [requestId]), gas: 1_400_000n });
        const [outcome] = eventsOf(first, "RevocationDelivered");
        const success = behaviour === "returnMuch";
        expect(outcome).toMatchObject({ args: { success } });
        expect(size(outcome?.args.returnData as Hex)).toBeLessThanOrEqual(132);
        expect(await stateOf(requestId)).toMatchObject({ revocationDue: !success });
        if (success) return;
        await consumer.behave("accept");
        await send("revoke", [requestId]);
        expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 1, final: 0 });
      },
    );

    it("revoke with too little gas reverts CallbackGasTooLow, and cannot be re-entered", async () => {
      const { surety } = scenario;
      const { consumer, requestId, poster } = await answered("provisional", lie);
      await refute(requestId, poster);
      expect(await surety.refused({ ...on("revoke", [requestId]), gas: 1_000_000n })).toMatchObject({
        error: "CallbackGasTooLow",
      });
      await consumer.reenterWith(surety.oracle, "revoke", [requestId]);
      await send("revoke", [requestId]);
      expect(await consumer.read("reentryError")).toBe("0x3ee5aeb5");
      expect(await heard(consumer)).toEqual({ provisional: 1, revoked: 1, final: 0 });
    });
  });

  it("finaliseByReference serves a provisional request, and not one with a final callback", async () => {
    const { surety, honest } = scenario;
    const root = outputRootOf(smallModel, honest);
    const provisional = await answered("provisional");
    const both = await answered("both");
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    await surety.send({ ...on("finaliseByReference", [provisional.requestId, root]), time });
    expect(await refused("finaliseByReference", both.requestId, root)).toEqual({
      error: "DeliveryNeedsOutput",
      args: [both.requestId],
    });
  });

  it("revoke of an unknown request reverts UnknownRequest", async () => {
    expect(await refused("revoke", 9n)).toEqual({ error: "UnknownRequest", args: [9n] });
  });

  it("a delivery mode that does not exist is refused", async () => {
    const { surety } = scenario;
    const data = encodeFunctionData({
      abi: surety.oracle.abi,
      functionName: "requestInference",
      args: [{ ...(await requestOf(surety, smallModel, smallInput)), delivery: 4 }],
    });
    const [wallet] = surety.network.wallets;
    await expect(
      wallet?.sendTransaction({
        to: surety.addresses.oracle,
        data,
        value: 10n ** 18n,
        gas: 1_000_000n,
      } as never),
    ).rejects.toThrow();
  });
});
