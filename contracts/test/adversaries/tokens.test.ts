import { encodeFunctionData } from "viem";
import { describe, expect, it } from "vitest";
import { CALLBACK_GAS, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { TOKEN_PRICES, tokenOf, withFeeTokens } from "../support/token.ts";
import { ANSWERS, playMatch } from "./match.ts";
import { wealth } from "./rules.ts";

const FEE = TOKEN_PRICES.baseFee + BigInt(CALLBACK_GAS) * TOKEN_PRICES.callbackGasPrice;

/** How a token fails when a fee is taken, and when it is paid out: undefined where it behaves. */
const BEHAVIOURS = {
  honest: {},
  revert: { taken: "0x", paid: "0x" },
  returnFalse: { taken: "SafeERC20FailedOperation", paid: "SafeERC20FailedOperation" },
  moveNothing: { taken: "TokenPaymentShort" },
  feeOnTransfer: { taken: "TokenPaymentShort" },
  shrinkingBalance: { taken: "TokenPaymentShort" },
  reenter: {},
  returnNothing: {},
} as const;

describe("adversaries: a hostile token pays for the request", () => {
  const scenario = useSurety(smallModel, smallInput, withFeeTokens(1));
  const lie = scenario.lie({ instruction: 2, byte: 5 });

  const CASES = Object.keys(BEHAVIOURS).flatMap((name) =>
    ANSWERS.map((answer) => [name, ...answer] as const),
  );
  it.each(CASES)(
    "%s, a %s answer: the request is refused whole or settled whole",
    async (name, _, truthful) => {
      const how = name as keyof typeof BEHAVIOURS;
      const { surety } = scenario;
      const { alice, bob, requester } = scenario.actors;
      const { oracle } = surety;
      const token = tokenOf(surety);
      await token.mint(requester, FEE);
      await surety.send(token.approval(requester, FEE));
      const before = await wealth(surety, smallModel);
      /** All that the oracle has of the token is owed. */
      const checkTokens = async () => {
        const credits = await Promise.all([alice, bob, requester].map(token.creditOf));
        return { held: await token.balanceOf(oracle.address), owed: credits.reduce((a, b) => a + b, 0n) };
      };
      const become = () =>
        how === "reenter"
          ? token.reenterWith(
              oracle.address,
              encodeFunctionData({ abi: oracle.abi, functionName: "withdrawToken", args: [token.address] }),
            )
          : token.behave(how);
      // Hostile from the beginning: no fee, no request.
      const id = await surety.snapshot();
      await become();
      const asked = await scenario.request({ feeToken: token.address, valueWei: 0n }).then(
        () => "taken",
        (error: Error) => error.message,
      );
      const { taken } = BEHAVIOURS[how] as { taken?: string };
      if (taken === undefined) expect(asked).toBe("taken");
      else {
        expect(asked).toMatch(/reverted with/);
        if (taken !== "0x" && taken.startsWith("Token")) expect(asked).toContain(taken);
        expect(await surety.read(oracle, "requestCount")).toBe(0n);
        expect(await wealth(surety, smallModel)).toEqual(before);
      }
      await surety.revert(id);

      // Hostile once the fee was paid: nothing but its own withdrawal meets it.
      const { requestId } = await scenario.request({ feeToken: token.address, valueWei: 0n });
      expect(await checkTokens()).toEqual({ held: FEE, owed: 0n });
      await become();
      const arena = await playMatch(scenario, lie, {
        ...{ requestId, truthful, before, requester },
        // The fee is in the token, and so is what covers a poster's gas.
        expected: ({ poster }) => ({ feeWei: 0n, uncovered: [poster, poster === alice ? bob : alice] }),
      });
      const winner = arena.assertion.poster;
      expect(await token.creditOf(winner)).toBe(FEE);
      const withdraw = { from: winner, to: oracle, call: "withdrawToken", args: [token.address] };
      const { error } = await surety.attempt(withdraw);
      const { paid } = BEHAVIOURS[how] as { paid?: string };
      expect(error === undefined).toBe(paid === undefined);
      if (how === "reenter") expect(await token.read("reentered")).toBe(false);
      await token.behave("honest");
      if (error !== undefined) {
        // What was owed is owed still.
        expect(await token.creditOf(winner)).toBe(FEE);
        await surety.send(withdraw);
        expect(await token.balanceOf(winner)).toBe(FEE);
      }
      expect(await token.creditOf(winner)).toBe(0n);
    },
  );
});
