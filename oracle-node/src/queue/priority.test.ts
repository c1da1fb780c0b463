import { describe, expect, it } from "vitest";
import { epochAt, priorityOf } from "./priority.ts";

const DAY = 86_400;

describe("priorityOf", () => {
  it("puts what is due sooner first, to the second and for twelve days at least, on any day", () => {
    for (let day = 0; day < 40; day++) {
      const now = 1_790_000_000 + day * DAY;
      const epoch = epochAt(now * 1_000);
      const priorities = [0, 1, 60, 3_600, DAY, 12 * DAY].map((later) => priorityOf(now + later, epoch));
      expect(priorities).toEqual([...new Set(priorities)].sort((a, b) => a - b));
    }
  });

  it("stays in what BullMQ takes, for whatever deadline", () => {
    const epoch = epochAt(Date.now());
    expect(priorityOf(0, epoch)).toBe(1);
    expect(priorityOf(2 ** 53, epoch)).toBe(2 ** 21 - 1);
  });
});
