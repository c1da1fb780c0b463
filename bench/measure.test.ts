import { describe, expect, it } from "vitest";
import type { Side } from "./benchmark.ts";
import { BENCHMARKS } from "./benchmarks/index.ts";
import { machineFacts } from "./machine.ts";
import { measure } from "./measure.ts";
import { toMarkdown } from "./report.ts";
import { spreadOf } from "./statistics.ts";

const busy = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

describe("spreadOf", () => {
  it("gives the median and the quartiles", () => {
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, low: 2, high: 4 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
    expect(spreadOf([7])).toEqual({ median: 7, low: 7, high: 7 });
  });
});

describe("measure", () => {
  it("runs every side once a round, each round beginning with another", async () => {
    const order: string[] = [];
    const side = (name: string) => ({ name, run: () => void order.push(name) });
    await measure({ name: "order", sides: [side("a"), side("b"), side("c")] }, 3, 0);
    expect(order.join("")).toBe("abc" + "abc" + "bca" + "cab");
  });

  it("runs a side once unmeasured after a rest, and divides by its repeats", async () => {
    let runs = 0;
    const run = () => {
      runs++;
      busy(2);
    };
    const sides = ["a", "b"].map((name) => ({ name, run }));
    const { sides: measured } = await measure(
      { name: "rest", sides: sides as [Side, Side], repeats: 5, restMs: 1 },
      3,
      0,
    );
    expect(runs).toBe(2 + 2 * 3 * (1 + 5));
    for (const { ms } of measured) expect(ms.low).toBeGreaterThanOrEqual(1.9);
  });

  it("gives ratios to the first side and rates, and a table of them", async () => {
    const contest = await measure(
      {
        name: "waiting",
        work: { amount: 10, unit: "MB" },
        sides: [
          { name: "short", run: () => busy(5) },
          { name: "long", run: async () => busy(15) },
        ],
      },
      5,
      0,
    );
    const [short, long] = contest.sides;
    expect(short?.ratio).toEqual({ median: 1, low: 1, high: 1 });
    expect(long?.ratio.median).toBeGreaterThan(1);
    expect(short?.rate).toBeLessThanOrEqual(2000);
    const page = toMarkdown({
      benchmark: "b",
      about: "About.",
      machine: machineFacts(),
      facts: [{ name: "once", value: 12.345, unit: "s" }],
      contests: [contest],
    });
    expect(page).toContain("| once | 12.3 s |");
    expect(page).toMatch(
      /### waiting \(5 rounds\)\n\| side \| ms .* \| MB\/s \|\n\| --- .*\n\| short \| .*\n\| long \| /,
    );
  });
});

describe("benchmarks", () => {
  it("have one name each", () => {
    const names = BENCHMARKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/);
  });
});
