import { describe, expect, it } from "vitest";
import { FAULT_KINDS, planSchedule } from "./schedule.ts";

describe("planSchedule", () => {
  it("gives the same schedule for the same seed and number, and others for others", () => {
    expect(planSchedule(7, 3, FAULT_KINDS)).toEqual(planSchedule(7, 3, FAULT_KINDS));
    expect(planSchedule(7, 3, FAULT_KINDS)).not.toEqual(planSchedule(8, 3, FAULT_KINDS));
    expect(planSchedule(7, 3, FAULT_KINDS).seed).not.toBe(planSchedule(7, 4, FAULT_KINDS).seed);
  });

  it("has every kind of fault among its first five, whatever the seed", () => {
    for (let seed = 0; seed < 50; seed++) {
      const faults = [0, 1, 2, 3, 4].flatMap((index) => planSchedule(seed, index, FAULT_KINDS).faults);
      expect(new Set(faults.map(({ fault }) => fault.kind))).toEqual(new Set(FAULT_KINDS));
    }
  });
});
