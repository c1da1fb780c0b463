import { describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { countingModel, outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventsOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

const STATUS = { open: 1, asserted: 2, final: 3 };

describe("SuretyOracle: a final answer, reused", () => {
  const scenario = useSurety(smallModel, smallInput);
  const on = (call: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });
  const creditOf = (account: string) =>
    scenario.surety.read<bigint>(scenario.surety.oracle, "creditOf", [account]);
  const quote = () => scenario.surety.read<bigint>(scenario.surety.oracle, "quoteReuse", [ZERO_ADDRESS]);
  const final = async () => {
    const { surety, honest, output } = scenario;
    const answer = await scenario.posted(honest, { delivery: "pull" });
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    await surety.send({ ...on("finalise", [answer.requestId, output]), time });
    return answer;
  };

  it("is delivered at once to the consumer that asks; its poster is paid, the excess credited", async () => {
    const { surety, question, output } = scenario;
    const { requestId, poster } = await final();
    const consumer = await hostileConsumer(scenario);
    const feeWei = await quote();
    const { baseFeeWei, reuseFeeBps } = surety.parameters;
    expect(feeWei).toBe((baseFeeWei * BigInt(reuseFeeBps)) / 10_000n);
    expect(feeWei).toBeLessThan(baseFeeWei);
    const before = await creditOf(poster);
    const receipt = await consumer.execute("reuse", [requestId, question, output, ZERO_ADDRESS], feeWei + 5n);
    expect(eventsOf(receipt)).toMatchObject([
      { name: "Credited", args: { account: consumer.address, amountWei: 5n } },
      { name: "Credited", args: { account: poster, amountWei: feeWei } },
      {
        name: "Reused",
        args: { requestId, consumer: consumer.address, poster, feeToken: ZERO_ADDRESS, fee: feeWei },
      },
    ]);
    expect(await consumer.read("received")).toBe(1n);
    expect(await consumer.read("lastOutput")).toBe(output);
    expect((await creditOf(poster)) - before).toBe(feeWei);
    // Any number of times, by anyone.
    await consumer.execute("reuse", [requestId, question, output, ZERO_ADDRESS], feeWei);
    expect(await consumer.read("received")).toBe(2n);
    expect(await surety.balance(surety.addresses.oracle)).toBe(
      (await creditOf(poster)) + (await creditOf(consumer.address)),
    );
  });

  it("before it is final reverts WrongStatus, of an unknown request UnknownRequest", async () => {
    const { question, output } = scenario;
    const consumer = await hostileConsumer(scenario);
    const { requestId, assignee } = await scenario.request();
    const reuse = (id: bigint) => consumer.refused("reuse", [id, question, output, ZERO_ADDRESS], 10n ** 17n);
    expect(await reuse(requestId)).toEqual({ error: "WrongStatus", args: [STATUS.open, STATUS.final] });
    await scenario.surety.send(on("post", [requestId, question, output], assignee));
    expect(await reuse(requestId)).toEqual({ error: "WrongStatus", args: [STATUS.asserted, STATUS.final] });
    expect(await reuse(9n)).toEqual({ error: "UnknownRequest", args: [9n] });
  });

  it("to another question, with another output or too small a fee is refused", async () => {
    const { question, output } = scenario;
    const { requestId } = await final();
    const consumer = await hostileConsumer(scenario);
    const feeWei = await quote();
    expect(await consumer.refused("reuse", [requestId, ZERO_HASH, output, ZERO_ADDRESS], feeWei)).toEqual({
      error: "QuestionMismatch",
      args: [ZERO_HASH, question],
    });
    const lie = scenario.lie({ instruction: 2, byte: 5 });
    expect(
      await consumer.refused("reuse", [requestId, question, outputOf(smallModel, lie), ZERO_ADDRESS], feeWei),
    ).toMatchObject({ error: "OutputMismatch" });
    expect(await consumer.refused("reuse", [requestId, question, "0x", ZERO_ADDRESS], feeWei)).toMatchObject({
      error: "WrongOutputSize",
    });
    expect(await consumer.refused("reuse", [requestId, question, output, ZERO_ADDRESS], feeWei - 1n)).toEqual(
      {
        error: "FeeTooLow",
        args: [feeWei - 1n, feeWei],
      },
    );
  });

  it("by an account without code reverts NotAConsumer", async () => {
    const { surety, question, output, actors } = scenario;
    const { requestId } = await final();
    expect(
      await surety.refused({
        ...on("reuse", [requestId, question, output, ZERO_ADDRESS]),
        valueWei: await quote(),
      }),
    ).toEqual({ error: "NotAConsumer", args: [actors.stranger] });
  });

  it("that the consumer refuses costs nothing, and cannot be re-entered", async () => {
    const { surety, question, output } = scenario;
    const { requestId, poster } = await final();
    const consumer = await hostileConsumer(scenario);
    await consumer.behave("burnGas");
    const before = await creditOf(poster);
    const call = consumer.asConsumer({
      ...on("reuse", [requestId, question, output, ZERO_ADDRESS]),
      valueWei: await quote(),
    });
    expect((await surety.attempt({ ...call, gas: 2_000_000n })).receipt).toBeUndefined();
    expect(await creditOf(poster)).toBe(before);
    await consumer.reenterWith(surety.oracle, "withdraw");
    await surety.send(call);
    expect(await consumer.read("reentryError")).toBe("0x3ee5aeb5");
  });

  it("isResult tells the final output from any other, and nothing before it is final", async () => {
    const { surety, output, honest } = scenario;
    const lie = outputOf(smallModel, scenario.lie({ instruction: 2, byte: 5 }));
    const isResult = (id: bigint, data: unknown) => surety.read(surety.oracle, "isResult", [id, data]);
    const { requestId } = await scenario.posted(honest, { delivery: "pull" });
    expect(await isResult(requestId, output)).toBe(false);
    expect(await isResult(9n, output)).toBe(false);
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    await surety.send({ ...on("finalise", [requestId, output]), time });
    expect(await isResult(requestId, output)).toBe(true);
    expect(await isResult(requestId, lie)).toBe(false);
    expect(await surety.read(surety.oracle, "resultOf", [requestId])).toBe(outputRootOf(smallModel, honest));
  });

  it("of a model with several outputs is checked output by output", async () => {
    const { surety, actors } = scenario;
    const model = countingModel(3, 600, [2, 0]);
    const output = outputOf(model, runModel(model, [smallInput]));
    const { alice, requester } = actors;
    await surety.send({ from: requester, to: surety.registry, call: "register", args: [model.header, ""] });
    await surety.send({ from: alice, to: surety.operators, call: "joinModel", args: [model.modelId] });
    const request = await requestOf(surety, model, smallInput, { delivery: "pull" });
    await surety.send({ ...on("requestInference", [request]), valueWei: scenario.feeOf() });
    const question = questionFor(model, [smallInput]);
    await surety.send(on("post", [1n, question, output], alice));
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    await surety.send({ ...on("finalise", [1n, output]), time });
    const consumer = await hostileConsumer(scenario);
    await consumer.execute("reuse", [1n, question, output, ZERO_ADDRESS], await quote());
    expect(await consumer.read("lastOutput")).toBe(output);
  });
});
