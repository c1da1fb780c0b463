import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelId, parseAssertionId, parseModelId } from "@surety/protocol";
import { zeroAddress } from "viem";
import { describe, expect, it } from "vitest";
import { createPolicy, type PolicyOptions, samplingSeed } from "./policy.ts";

const model = (n: number): ModelId => parseModelId(`0x${String(n).padStart(64, "0")}`);
const seed = Buffer.from("a seed");
const policy = (options: PolicyOptions, bytes = seed) => createPolicy(options, 1_000, bytes);
const answer = (n: number, of = model(1)) => ({ assertionId: parseAssertionId(n), modelId: of });
const request = (bondWei: bigint, fee: bigint, feeToken: `0x${string}` = zeroAddress) => ({
  ...{ bondWei, fee, feeToken },
});

describe("createPolicy", () => {
  it("checks everything unless told otherwise, and asks the chain nothing for it", () => {
    const { skips, skipsRequest, asksRequest } = policy({});
    expect(Array.from({ length: 500 }, (_, n) => skips(answer(n)))).not.toContain("sample");
    expect(skipsRequest(request(0n, 0n))).toBeUndefined();
    expect(asksRequest).toBe(false);
  });

  it("leaves out other models", () => {
    const { skips } = policy({ models: [model(1), model(2)] });
    expect([skips(answer(1, model(2))), skips(answer(1, model(3)))]).toEqual([undefined, "model"]);
  });

  it("leaves out what nobody can lose much by, as the bond says, and what paid little", () => {
    const { skipsRequest, asksRequest } = policy({ minValueWei: 1_000n, minFeeWei: 50n });
    expect(asksRequest).toBe(true);
    // A bond of 100 stands for a value of 1,000 at a tenth.
    expect(skipsRequest(request(100n, 50n))).toBeUndefined();
    expect(skipsRequest(request(99n, 50n))).toBe("value");
    expect(skipsRequest(request(100n, 49n))).toBe("fee");
    expect(skipsRequest(request(100n, 0n, "0x00000000000000000000000000000000000000aa"))).toBeUndefined();
  });

  it("draws a sample of about the share asked for, always the same by one seed, another by another", () => {
    const drawn = (share: number, bytes = seed) =>
      Array.from({ length: 4_000 }, (_, n) => n).filter(
        (n) => policy({ sampleShare: share }, bytes).skips(answer(n)) === undefined,
      );
    const quarter = drawn(0.25);
    // Four standard deviations of a binomial draw are 110.
    expect(Math.abs(quarter.length - 1_000)).toBeLessThan(110);
    expect(drawn(0.25)).toEqual(quarter);
    expect(drawn(0.25, Buffer.from("another"))).not.toEqual(quarter);
    // Whoever raises the share still checks what it checked before.
    expect(drawn(0.5)).toEqual(expect.arrayContaining(quarter));
    expect(drawn(0)).toEqual([]);
    expect(drawn(1)).toHaveLength(4_000);
  });
});

describe("samplingSeed", () => {
  it("is made once, for its owner alone", () => {
    const folder = mkdtempSync(join(tmpdir(), "surety-seed-"));
    try {
      const made = samplingSeed(join(folder, "new"));
      expect(samplingSeed(join(folder, "new"))).toEqual(made);
      const file = join(folder, "new", "sampling-seed");
      expect(readFileSync(file, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
      expect(statSync(file).mode & 0o077).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
