import { suretyOracleAbi } from "@surety/protocol";
import { createWalletClient, custom, type EIP1193RequestFn } from "viem";
import { describe, expect, it } from "vitest";
import { smallInput, smallModel, useSurety } from "../../../contracts/test/support/scenario.ts";
import { TOKEN_PRICES, tokenOf, withFeeTokens } from "../../../contracts/test/support/token.ts";
import { suretyActions } from "../surety-actions.ts";

describe("requestInference with a fee in a token", () => {
  const scenario = useSurety(smallModel, smallInput, withFeeTokens(1));
  const setUp = async () => {
    const { surety, actors } = scenario;
    const { publicClient, chain } = surety.network;
    const client = createWalletClient({
      account: actors.requester,
      chain,
      transport: custom({ request: publicClient.request as EIP1193RequestFn }),
      pollingInterval: 20,
    }).extend(suretyActions(surety.addresses));
    const token = tokenOf(surety);
    await token.mint(actors.requester, TOKEN_PRICES.baseFee * 10n);
    const parameters = {
      ...{ modelId: smallModel.modelId as never, input: smallInput },
      feeToken: token.address,
    };
    return { surety, actors, client, token, parameters };
  };

  it("allows the oracle the fee, exactly, and pays no native currency", async () => {
    const { surety, actors, client, token, parameters } = await setUp();
    const asked = await client.requestInference(parameters);
    expect(asked).toMatchObject({ feeWei: 0n, tokenFee: TOKEN_PRICES.baseFee });
    expect(await token.balanceOf(actors.requester)).toBe(TOKEN_PRICES.baseFee * 9n);
    expect(
      await surety.read(token, "allowance", [actors.requester, surety.addresses.oracle]),
      "nothing is left allowed",
    ).toBe(0n);
    expect(
      await surety.network.publicClient.readContract({
        address: surety.addresses.oracle,
        abi: suretyOracleAbi,
        functionName: "requestOf",
        args: [asked.requestId],
      }),
    ).toMatchObject({ feeToken: token.address, fee: TOKEN_PRICES.baseFee });
  });

  it("takes an allowance that is there as it is", async () => {
    const { surety, actors, client, token, parameters } = await setUp();
    await surety.send(token.approval(actors.requester, TOKEN_PRICES.baseFee + 5n));
    await client.requestInference(parameters);
    expect(await surety.read(token, "allowance", [actors.requester, surety.addresses.oracle])).toBe(5n);
  });

  it("refuses a token that the oracle does not take", async () => {
    const { surety, client, parameters } = await setUp();
    const asking = client.requestInference({ ...parameters, feeToken: surety.addresses.registry });
    await expect(asking).rejects.toThrow(/UnknownFeeToken/);
  });
});
