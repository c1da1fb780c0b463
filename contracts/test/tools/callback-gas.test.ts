import { type Chain, ContractRevertError, estimateCallbackGas, openChain } from "@surety/chain";
import { callbackMeterRuntimeBytecode } from "@surety/protocol";
import { hexToBytes, keccak256, numberToHex } from "viem";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../chain/src/reads/request.ts";
import { type HostileConsumer, hostileConsumer } from "../support/consumer.ts";
import { readArtifact, startChainProcess } from "../support/network.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { type At, eventsOf } from "../support/surety.ts";

describe("estimateCallbackGas, on a chain process", () => {
  let chain!: Chain;
  const scenario = useSurety(smallModel, smallInput, {}, async () => {
    const network = await startChainProcess();
    chain = await openChain({ rpcUrl: network.url });
    return network;
  });
  const output = () => hexToBytes(scenario.output);
  const estimate = (consumer: At, changes = {}) =>
    estimateCallbackGas(chain, scenario.surety.addresses, {
      consumer: consumer.address,
      output: output(),
      ...changes,
    });

  /** Whether the callbacks of a request succeed with this gas, in earnest. */
  const delivered = async (
    delivery: Delivery,
    callbackGas: number,
    prepare: (consumer: HostileConsumer) => Promise<unknown> = async () => {},
  ) => {
    const { surety, question } = scenario;
    const id = await surety.snapshot();
    const consumer = await hostileConsumer(scenario);
    await prepare(consumer);
    const { requestId, assignee } = await consumer.ask({ delivery, callbackGas });
    const { oracle: to, parameters, send, now } = surety;
    const gas = 15_000_000n;
    const posted = await send({
      from: assignee,
      to,
      call: "post",
      args: [requestId, question, scenario.output],
      gas,
    });
    const time = (await now()) + parameters.challengeWindowSeconds;
    const finalised = await send({
      from: assignee,
      to,
      call: "finalise",
      args: [requestId, scenario.output],
      gas,
      time,
    });
    await surety.revert(id);
    const [outcome] = [...eventsOf(posted), ...eventsOf(finalised)].filter(({ name }) =>
      /Deliver/.test(name),
    );
    return outcome?.args.success;
  };

  it.each(["final", "provisional"] as const)(
    "gives the least gas with which the %s callback succeeds in earnest",
    async (callback) => {
      const consumer = await hostileConsumer(scenario);
      const { neededGas, callbackGas } = await estimate(consumer, { callback });
      expect(await delivered(callback, neededGas)).toBe(true);
      expect(await delivered(callback, neededGas - 200)).toBe(false);
      expect(callbackGas).toBe(Math.ceil((neededGas * 1.2) / 1_000) * 1_000);
      // Nothing was sent.
      expect(await consumer.read("received")).toBe(0n);
    },
    60_000,
  );

  it("of a revocation needs no output, and the margin is as asked for", async () => {
    const consumer = await hostileConsumer(scenario);
    const { neededGas, callbackGas } = await estimate(consumer, { callback: "revoked", marginBps: 0 });
    expect(neededGas).toBeLessThan(100_000);
    expect(callbackGas - neededGas).toBeLessThan(1_000);
  });

  it("depends on the output: the real one must be given", async () => {
    const consumer = await hostileConsumer(scenario);
    const short = await estimate(consumer, { output: new Uint8Array(1) });
    expect((await estimate(consumer)).neededGas).toBeGreaterThan(short.neededGas + 300_000);
  });

  it("finds what is needed above what is used: nested calls hold back a 64th", async () => {
    const { surety } = scenario;
    const consumer = await hostileConsumer(scenario);
    // Asks the oracle in its callback: the oracle answers as itself.
    const asks = (who: HostileConsumer) => who.reenterWith(surety.oracle, "requestCount");
    await asks(consumer);
    // It stores what it is told: as with a real answer, that should not be 0.
    await scenario.request();
    const { neededGas } = await estimate(consumer);
    expect(await delivered("final", neededGas, asks)).toBe(true);
    // Asking the oracle goes by one more contract in the simulation, which costs some thousands of gas.
    expect(await delivered("final", neededGas - 5_000, asks)).toBe(false);
  });

  it("supposes further state that is given", async () => {
    const consumer = await hostileConsumer(scenario);
    const plain = await estimate(consumer);
    // `received`, which is counted up: a slot in use costs 17,100 gas less to change.
    const received = { slot: numberToHex(1, { size: 32 }), value: numberToHex(5, { size: 32 }) };
    const later = await estimate(consumer, {
      stateOverride: [{ address: consumer.address, stateDiff: [received] }],
    });
    expect(Math.abs(plain.neededGas - later.neededGas - 17_100)).toBeLessThanOrEqual(64);
  });

  it("names what stands against a callback", async () => {
    const { surety, actors } = scenario;
    const { addresses } = surety;
    await expect(
      estimateCallbackGas(chain, addresses, { consumer: actors.stranger, output: output() }),
    ).rejects.toMatchObject({ code: "CONSUMER_WITHOUT_CODE" });
    const silent = await surety.deploy("test-harness/SilentConsumer.sol", [addresses.oracle]);
    const refusal = estimate(silent);
    await expect(refusal).rejects.toBeInstanceOf(ContractRevertError);
    await expect(refusal).rejects.toMatchObject({ errorName: "ResultNotExpected", args: [1n] });
    const consumer = await hostileConsumer(scenario);
    await expect(estimate(consumer, { output: new Uint8Array(240 * 1024).fill(1) })).rejects.toMatchObject({
      code: "CONTRACT_REVERTED",
    });
    await expect(estimate(consumer, { output: new Uint8Array(12 * 1024).fill(1) })).rejects.toMatchObject({
      code: "CALLBACK_TOO_DEAR",
    });
  });

  it("the meter's code is the built one", () => {
    const { deployedBytecode } = readArtifact("tools/CallbackMeter.sol");
    expect(keccak256(callbackMeterRuntimeBytecode)).toBe(keccak256(deployedBytecode));
  });
});
