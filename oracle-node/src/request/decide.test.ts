import type { RequestView } from "@surety/chain";
import { parseHash32, parseModelId } from "@surety/protocol";
import { describe, expect, it } from "vitest";
import { decideServing } from "./decide.ts";

const me = "0x00000000000000000000000000000000000000aa";
const other = "0x00000000000000000000000000000000000000bb";
const zero = `0x${"0".repeat(64)}`;
const request = (changes: Partial<RequestView>): RequestView => ({
  status: "open",
  requester: other,
  modelId: parseModelId(zero),
  inputRoot: parseHash32(zero),
  fee: 1n,
  feeToken: "0x0000000000000000000000000000000000000000",
  bondWei: 1n,
  callbackGas: 0,
  delivery: "pull",
  callbackOwed: false,
  revocationDue: false,
  deadline: 1_000,
  exclusiveUntil: 100,
  attempt: 0,
  itemCount: 1,
  ...changes,
});

describe("decideServing", () => {
  it("serves at once when assigned, and after the exclusive time when not", () => {
    expect(decideServing(request({}), me, me, 50)).toBe("serve");
    expect(decideServing(request({}), other, me, 100)).toBe("wait");
    expect(decideServing(request({}), other, me, 101)).toBe("serve");
  });

  it("serves at once when nobody has the exclusive right", () => {
    expect(decideServing(request({}), undefined, me, 50)).toBe("serve");
  });

  it("leaves what is answered, over or too late", () => {
    for (const status of ["none", "asserted", "final", "refunded"] as const) {
      expect(decideServing(request({ status }), me, me, 50)).toBe("leave");
    }
    expect(decideServing(request({}), me, me, 1_000)).toBe("serve");
    expect(decideServing(request({}), me, me, 1_001)).toBe("leave");
  });
});
