import type { Chain } from "@surety/chain";
import { describe, expect, it } from "vitest";
import { createReserve } from "./reserve.ts";

const account = "0x00000000000000000000000000000000000000aa";
/** A chain that says what the account has and asks 10 wei for a gas: (4 x 2) + 2. */
function chainWith(balance: { wei: bigint }) {
  const client = {
    getBlock: async () => ({ baseFeePerGas: 4n, timestamp: 0n }),
    estimateMaxPriorityFeePerGas: async () => 2n,
    getBalance: async () => balance.wei,
  };
  return { client, retry: {} } as unknown as Chain;
}
const claim = { gas: 50n, bondWei: 500n };

describe("createReserve", () => {
  it("holds what can be paid for besides all that is held, and says what is missing", async () => {
    const balance = { wei: 2_500n };
    const reserve = createReserve(chainWith(balance), account, 1_000n);
    // Asked for at once: each would fit alone, and two of them together.
    const taken = await Promise.all(["a", "b", "c"].map((key) => reserve.take(key, claim)));
    expect(taken).toEqual([
      { kind: "held" },
      { kind: "held" },
      { kind: "short", balanceWei: 2_500n, neededWei: 1_000n, heldWei: 2_000n },
    ]);
    expect(reserve.heldWei(10n)).toBe(2_000n);
    // The bond of `a` is paid: the balance and what is held for it fall by the same.
    balance.wei -= 500n;
    reserve.hold("a", { gas: 50n, bondWei: 0n });
    expect((await reserve.take("c", claim)).kind).toBe("short");
    reserve.release("b");
    expect((await reserve.take("c", claim)).kind).toBe("held");
    expect(await reserve.take("c", claim)).toEqual({ kind: "held" });
  });

  it("reckons gas at the cap where the chain asks more", async () => {
    const reserve = createReserve(chainWith({ wei: 750n }), account, 5n);
    expect((await reserve.take("a", claim)).kind).toBe("held");
  });
});
