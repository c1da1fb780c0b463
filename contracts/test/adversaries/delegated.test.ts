import { devAccount } from "@surety/chain/testing";
import { inputsRoot, toHex } from "@surety/engine";
import { isAddressEqual } from "viem";
import { describe, expect, it } from "vitest";
import { delegatedRequestTypedData } from "../../../chain/src/sign/delegated-request.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { type CallParameters, eventOf } from "../support/surety.ts";
import { Actor, type Arena, type Plan } from "./arena.ts";
import { ANSWERS, playMatch } from "./match.ts";
import { Poster } from "./posters.ts";
import { wealth } from "./rules.ts";

/** Sends again what another has sent, after each transaction that is mined. */
class SignatureReplayer extends Actor {
  readonly honest = false;
  private readonly calls: readonly CallParameters[];
  private sent = 0;
  constructor(address: `0x${string}`, calls: readonly CallParameters[]) {
    super(address);
    this.calls = calls;
  }
  plan(_arena: Arena): Plan | undefined {
    const call = this.calls[this.sent];
    const { time: _, ...rest } = call ?? ({} as CallParameters);
    return call && { ...rest, from: this.address, onMined: () => this.sent++ };
  }
}

describe("adversaries: requests by signature", () => {
  const scenario = useSurety(smallModel, smallInput);
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const inputRoot = toHex(inputsRoot([smallInput]));

  it.each(ANSWERS)(
    "a signature sent again, with other terms, by another's key or after its end asks nothing: a %s answer",
    async (_, truthful) => {
      const { surety } = scenario;
      const { requester, second, stranger } = scenario.actors;
      const keyOf = (who: string) =>
        Array.from({ length: 10 }, (_, i) => devAccount(i)).find(({ address }) =>
          isAddressEqual(address, who as never),
        ) as ReturnType<typeof devAccount>;
      const before = await wealth(surety, smallModel);
      const request = await requestOf(surety, smallModel, smallInput);
      const signed = async (
        nonce: bigint,
        by = requester,
        changes: { chainId?: number; until?: number } = {},
      ) => {
        const delegation = {
          ...{ requester, nonce, maxFee: scenario.feeOf() },
          validUntil: changes.until ?? (await surety.now()) + 10_000,
        };
        const typed = delegatedRequestTypedData({
          chainId: changes.chainId ?? surety.network.chain.id,
          oracle: surety.addresses.oracle,
          ...{ request, inputRoot, delegation },
        });
        return { delegation, signature: await keyOf(by).signTypedData(typed as never) };
      };
      const call = (
        { delegation, signature }: Awaited<ReturnType<typeof signed>>,
        changes: object = {},
        terms: object = {},
      ): CallParameters => ({
        ...{ from: stranger, to: surety.oracle, call: "requestInferenceFor", valueWei: scenario.feeOf() },
        args: [{ ...request, ...changes }, { ...delegation, ...terms }, signature],
      });
      const first = await signed(1n);
      const receipt = await surety.send(call(first));
      const requestId = eventOf(receipt, "Requested").requestId as bigint;
      const other = await signed(2n);
      const thief = surety.accounts[7] as `0x${string}`;
      const replays = [
        call(first),
        call(first, {}, { nonce: 3n }),
        call(other, { callbackGas: 1 }),
        call(other, {}, { requester: second }),
        call(other, {}, { maxFee: 10n ** 18n }),
        call(await signed(4n, second)),
        call(await signed(5n, requester, { chainId: 1 })),
        call(await signed(6n, requester, { until: await surety.now() })),
      ];
      const arena = await playMatch(scenario, lie, {
        ...{ requestId, truthful, before },
        // Who sent it has paid it.
        requester: stranger,
        cast: ({ poster, trace }) => [
          new SignatureReplayer(thief, replays),
          new Poster(poster, trace, truthful),
        ],
      });
      const refused = arena.log.filter(({ plan }) => plan.call === "requestInferenceFor");
      expect(refused.map(({ refused: error }) => error)).toEqual([
        "NonceUsed",
        ...Array.from({ length: 6 }, () => "WrongSignature"),
        "DelegationExpired",
      ]);
      expect(await surety.read(surety.oracle, "requestCount")).toBe(1n);
      // Who signed has lost nothing, and nothing of it was taken back.
      expect((await wealth(surety, smallModel)).get(requester)).toBe(before.get(requester));
      // The signature that was never sent rightly still can be.
      await surety.send(call(other));
    },
  );
});
