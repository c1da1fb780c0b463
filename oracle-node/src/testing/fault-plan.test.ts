import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRequestId } from "@surety/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { planFaults } from "./fault-plan.ts";

const DEVNET = 31_337;
const directory = mkdtempSync(join(tmpdir(), "surety-fault-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const request = (id: bigint) => parseRequestId(id);

describe("planFaults", () => {
  it("is honest without options, and refuses to lie anywhere but on a devnet", () => {
    expect(planFaults(undefined, 1, () => 0).next(request(1n))).toBeUndefined();
    expect(() => planFaults({ target: "output" }, 1, () => 0)).toThrow(/for devnets/);
    expect(() => planFaults({ file: "x" }, 1, () => 0)).toThrow(/for devnets/);
  });

  it("lies as often as it was told to", () => {
    let told = 0;
    const plan = planFaults({ target: "output", requests: 1 }, DEVNET, () => told);
    expect(plan.next(request(1n))).toBe("output");
    told = 1;
    expect(plan.next(request(2n))).toBeUndefined();
  });

  it("obeys an order for one request once, whichever node sees it first", () => {
    const file = join(directory, "order.json");
    const plans = [planFaults({ file }, DEVNET, () => 0), planFaults({ file }, DEVNET, () => 0)] as const;
    expect(plans[0].next(request(7n))).toBeUndefined();
    writeFileSync(file, JSON.stringify({ fault: "layer=1,element=3", requestId: "7" }));
    expect(plans[0].next(request(6n))).toBeUndefined();
    expect(existsSync(file)).toBe(true);
    expect(plans[1].next(request(7n))).toEqual({ layer: 1, element: 3 });
    expect(plans[0].next(request(7n))).toBeUndefined();
  });

  it("says so when an order cannot be read", () => {
    const file = join(directory, "wrong.json");
    writeFileSync(file, JSON.stringify({ fault: "everything" }));
    expect(() => planFaults({ file }, DEVNET, () => 0).next(request(1n))).toThrow(/layer=I,element=J/);
  });
});
