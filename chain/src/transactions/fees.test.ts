import { describe, expect, it } from "vitest";
import { bumpedFees, feeCapWei, replaces } from "./fees.ts";

const caps = { ordinaryWei: 100n, urgentWei: 1_000n };

describe("feeCapWei", () => {
  it("is the ordinary cap where nothing is lost by waiting, and long before a deadline", () => {
    expect(feeCapWei(caps, undefined)).toBe(100n);
    expect(feeCapWei(caps, 86_400n)).toBe(100n);
    expect(feeCapWei(caps, 600n)).toBe(100n);
  });

  it("rises with every second from there, to the urgent cap a minute before", () => {
    const rising = Array.from({ length: 541 }, (_, passed) => feeCapWei(caps, 600n - BigInt(passed)));
    expect(rising.every((cap, i) => i === 0 || cap > (rising[i - 1] as bigint))).toBe(true);
    expect(feeCapWei(caps, 330n)).toBe(550n);
    for (const left of [60n, 1n, 0n, -5n]) expect(feeCapWei(caps, left)).toBe(1_000n);
  });

  it("never falls below the ordinary cap", () => {
    expect(feeCapWei({ ordinaryWei: 100n, urgentWei: 50n }, 0n)).toBe(100n);
  });
});

describe("bumpedFees", () => {
  const fees = (maxFeePerGas: bigint, maxPriorityFeePerGas: bigint) => ({
    maxFeePerGas,
    maxPriorityFeePerGas,
  });
  it("gives what replaces a pending transaction, until the cap forbids it", () => {
    const stuck = fees(1_000n, 10n);
    expect(replaces(bumpedFees(stuck, stuck, 10_000n), stuck)).toBe(true);
    expect(replaces(bumpedFees(stuck, stuck, 1_050n), stuck)).toBe(false);
    expect(bumpedFees(stuck, fees(5_000n, 20n), 10_000n)).toEqual(fees(5_000n, 20n));
  });
});
