import { type Address, encodeFunctionData, toFunctionSelector } from "viem";
import { beforeEach, describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventsOf, ZERO_ADDRESS } from "../support/surety.ts";
import { TOKEN_PRICES, tokenOf, withFeeTokens } from "../support/token.ts";

const CALLBACK_GAS = 100_000;
const FEE = TOKEN_PRICES.baseFee + BigInt(CALLBACK_GAS) * TOKEN_PRICES.callbackGasPrice;
const MINTED = 1_000_000_000n;

describe("SuretyOracle: fees in tokens", () => {
  const scenario = useSurety(smallModel, smallInput, withFeeTokens(2));
  let token!: ReturnType<typeof tokenOf>;
  beforeEach(async () => {
    const { surety, actors } = scenario;
    token = tokenOf(surety);
    await token.mint(actors.requester, MINTED);
    await surety.send(token.approval(actors.requester, MINTED));
  });
  const on = (call: string, args: readonly unknown[], from = scenario.actors.requester) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });
  const asking = async (from?: Address, feeToken = token.address, valueWei = 0n) => ({
    ...on("requestInference", [await requestOf(scenario.surety, smallModel, smallInput, { feeToken })], from),
    valueWei,
  });
  const answered = async () => {
    const answer = await scenario.posted(scenario.honest, { feeToken: token.address, valueWei: 0n });
    const time = (await scenario.surety.now()) + scenario.surety.parameters.challengeWindowSeconds;
    await scenario.surety.send({ ...on("finalise", [answer.requestId, scenario.output]), time });
    return answer;
  };
  /** Tokens that the oracle holds, and those it owes: requests that are not settled, and credits. */
  const held = () => token.balanceOf(scenario.surety.addresses.oracle);

  it("are quoted by the token's own prices; a token that is not on the list is refused", async () => {
    const { surety } = scenario;
    const quote = (feeToken: Address, delivery = 0) =>
      surety.read(surety.oracle, "quote", [smallModel.modelId, CALLBACK_GAS, delivery, feeToken, 0n]);
    expect(await quote(token.address)).toBe(FEE);
    expect(await quote(token.address, 3)).toBe(FEE + BigInt(CALLBACK_GAS) * TOKEN_PRICES.callbackGasPrice);
    expect(await quote(ZERO_ADDRESS)).toBe(scenario.feeOf());
    const stranger = scenario.actors.stranger;
    const unknown = { error: "UnknownFeeToken", args: [stranger] };
    expect(await surety.refused(await asking(undefined, stranger))).toEqual(unknown);
    expect(await surety.refused(on("quote", [smallModel.modelId, CALLBACK_GAS, 0, stranger, 0n]))).toEqual(
      unknown,
    );
    expect(await surety.read(surety.oracle, "feeTokens")).toEqual(surety.parameters.feeTokens);
  });

  it("are taken exactly as quoted, credited to the poster at finality, and pulled", async () => {
    const { surety, actors } = scenario;
    const { requestId, poster } = await answered();
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      fee: FEE,
      feeToken: token.address,
    });
    expect(await token.balanceOf(actors.requester)).toBe(MINTED - FEE);
    expect(await held()).toBe(FEE);
    expect(await token.creditOf(poster)).toBe(FEE);
    expect(await surety.read(surety.oracle, "creditOf", [poster])).toBe(0n);
    const receipt = await surety.send(on("withdrawToken", [token.address], poster));
    expect(eventsOf(receipt)).toMatchObject([
      { name: "TokenWithdrawn", args: { token: token.address, account: poster, amount: FEE } },
    ]);
    expect(await token.balanceOf(poster)).toBe(FEE);
    expect(await held()).toBe(0n);
    expect(await surety.refused(on("withdrawToken", [token.address], poster))).toEqual({
      error: "NothingToWithdraw",
      args: [],
    });
  });

  it("come back in the same token when nobody answers", async () => {
    const { surety, actors } = scenario;
    const { requestId } = await scenario.request({ feeToken: token.address, valueWei: 0n });
    const receipt = await surety.send({ ...on("refund", [requestId]), time: (await surety.now()) + 10_001 });
    expect(eventsOf(receipt)).toMatchObject([
      { name: "TokenCredited", args: { token: token.address, account: actors.requester, amount: FEE } },
      { name: "Refunded", args: { requestId, feeToken: token.address, fee: FEE } },
    ]);
    await surety.send(on("withdrawToken", [token.address]));
    expect(await token.balanceOf(actors.requester)).toBe(MINTED);
    expect(await held()).toBe(0n);
  });

  it("leave native currency that was sent along to its sender", async () => {
    const { surety, actors } = scenario;
    await surety.send(await asking(undefined, token.address, 5n));
    expect(await surety.read(surety.oracle, "creditOf", [actors.requester])).toBe(5n);
  });

  it("need allowance and balance", async () => {
    const { surety, actors } = scenario;
    // ERC20InsufficientAllowance, ERC20InsufficientBalance
    const error = (signature: string) => ({ error: toFunctionSelector(signature), args: [] });
    expect(await surety.refused(await asking(actors.stranger))).toEqual(
      error("ERC20InsufficientAllowance(address,uint256,uint256)"),
    );
    await surety.send(token.approval(actors.stranger, FEE));
    expect(await surety.refused(await asking(actors.stranger))).toEqual(
      error("ERC20InsufficientBalance(address,uint256,uint256)"),
    );
  });

  it("reuse of an answer can be paid in a token", async () => {
    const { surety, question, output } = scenario;
    const { requestId, poster } = await answered();
    const consumer = await hostileConsumer(scenario);
    const fee = await surety.read<bigint>(surety.oracle, "quoteReuse", [token.address]);
    expect(fee).toBe((TOKEN_PRICES.baseFee * BigInt(surety.parameters.reuseFeeBps)) / 10_000n);
    await token.mint(consumer.address, fee);
    await surety.send(consumer.asConsumer(token.approval(scenario.actors.stranger, fee)));
    await consumer.execute("reuse", [requestId, question, output, token.address]);
    expect(await consumer.read("received")).toBe(1n);
    expect(await token.creditOf(poster)).toBe(FEE + fee);
    expect(await held()).toBe(FEE + fee);
  });

  describe("a hostile token", () => {
    it.each([
      ["revert", toFunctionSelector("Refused()")],
      ["returnFalse", "SafeERC20FailedOperation"],
      ["moveNothing", "TokenPaymentShort"],
      ["feeOnTransfer", "TokenPaymentShort"],
      ["shrinkingBalance", "TokenPaymentShort"],
    ] as const)("that does %s when it pays is refused, and nothing is asked", async (how, error) => {
      const { surety } = scenario;
      // Somebody else's tokens are there already.
      await scenario.request({ feeToken: token.address, valueWei: 0n });
      await token.behave(how);
      expect(await surety.refused(await asking())).toMatchObject({ error });
      expect(await surety.read(surety.oracle, "requestCount")).toBe(1n);
      await token.behave("honest");
      expect(await held()).toBe(FEE);
    });

    it("that returns nothing is taken, as old tokens are", async () => {
      await token.behave("returnNothing");
      const { poster } = await answered();
      await scenario.surety.send(on("withdrawToken", [token.address], poster));
      expect(await token.balanceOf(poster)).toBe(FEE);
    });

    it.each(["requestInference", "refund", "withdraw", "withdrawToken"])(
      "that re-enters %s while it pays or is paid out is refused by the lock",
      async (name) => {
        const { surety } = scenario;
        const args: Record<string, readonly unknown[]> = {
          requestInference: [await requestOf(surety, smallModel, smallInput)],
          refund: [1n],
          withdraw: [],
          withdrawToken: [token.address],
        };
        const data = encodeFunctionData({
          abi: surety.oracle.abi,
          functionName: name,
          args: args[name] as readonly unknown[],
        });
        await token.reenterWith(surety.addresses.oracle, data);
        const { poster } = await answered();
        const refusal = async () => {
          expect(await token.read("reentered")).toBe(false);
          // ReentrancyGuardReentrantCall()
          expect(await token.read("reentryError")).toBe("0x3ee5aeb5");
        };
        await refusal();
        await surety.send(on("withdrawToken", [token.address], poster));
        await refusal();
        expect(await held()).toBe(0n);
        expect(await token.balanceOf(poster)).toBe(FEE);
      },
    );

    it.each([
      ["revert", toFunctionSelector("Refused()")],
      ["returnFalse", "SafeERC20FailedOperation"],
    ] as const)("that does %s on payout fails that withdrawal alone, and owes on", async (how, error) => {
      const { surety } = scenario;
      const { poster } = await answered();
      await token.behave(how);
      expect(await surety.refused(on("withdrawToken", [token.address], poster))).toMatchObject({ error });
      expect(await token.creditOf(poster)).toBe(FEE);
      await token.behave("honest");
      await surety.send(on("withdrawToken", [token.address], poster));
      expect(await held()).toBe(0n);
    });

    it("that blocks the poster stops neither finality nor others, and pays once it blocks it no more", async () => {
      const { surety, actors } = scenario;
      await token.block(actors.alice, true);
      await token.block(actors.bob, true);
      const { requestId, poster } = await answered();
      expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({ status: 3 });
      expect(await surety.refused(on("withdrawToken", [token.address], poster))).toMatchObject({
        error: toFunctionSelector("Blocked(address)"),
      });
      // Another token, and native currency, are not touched.
      const second = tokenOf(surety, 1);
      await second.mint(actors.requester, MINTED);
      await surety.send(second.approval(actors.requester, MINTED));
      await scenario.posted(scenario.honest, { feeToken: second.address, valueWei: 0n });
      await token.block(poster, false);
      await surety.send(on("withdrawToken", [token.address], poster));
      expect(await token.balanceOf(poster)).toBe(FEE);
      expect(await second.balanceOf(surety.addresses.oracle)).toBe(FEE);
    });
  });
});
