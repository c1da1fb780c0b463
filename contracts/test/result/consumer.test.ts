import { describe, expect, it } from "vitest";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";

describe("SuretyConsumer: what it does by default", () => {
  const scenario = useSurety(smallModel, smallInput);
  const called = async (call: string, args: readonly unknown[], byOracle = true) => {
    const { surety, actors } = scenario;
    const consumer = await surety.deploy("test-harness/SilentConsumer.sol", [surety.addresses.oracle]);
    await surety.network.testClient.impersonateAccount({ address: surety.addresses.oracle });
    return { from: byOracle ? surety.addresses.oracle : actors.stranger, to: consumer, call, args };
  };

  it("a final answer is refused, so that it is not noted as delivered", async () => {
    const call = await called("onInference", [7n, "0x12"]);
    expect(await scenario.surety.refused(call)).toEqual({ error: "ResultNotExpected", args: [7n] });
  });

  it("a provisional answer and its revocation are let pass", async () => {
    await scenario.surety.send(await called("onProvisionalInference", [7n, "0x12"]));
    await scenario.surety.send(await called("onRevoked", [7n]));
  });

  it.each([
    ["onInference", [7n, "0x12"]],
    ["onProvisionalInference", [7n, "0x12"]],
    ["onRevoked", [7n]],
  ] as const)("%s by anybody but the oracle reverts OnlyOracle", async (name, args) => {
    const { surety, actors } = scenario;
    expect(await surety.refused(await called(name, args, false))).toEqual({
      error: "OnlyOracle",
      args: [actors.stranger, surety.addresses.oracle],
    });
  });
});
