import { parseHash32, parseModelId } from "@surety/protocol";
import { describe, expect, it } from "vitest";
import { createEstimates } from "../inference/estimates.ts";
import { inTime } from "./in-time.ts";

const capacity = { nowSeconds: 1_000, lanes: 1, postSeconds: 2 };
const work = (name: string, deadline: number, seconds: number) => ({ name, deadline, seconds });
const names = (works: readonly { name: string }[]) => works.map(({ name }) => name);

describe("inTime", () => {
  it("takes what is done by its deadline, post included, the nearest first, whatever the order it came in", () => {
    const { doable, late } = inTime(
      [work("c", 1_032, 10), work("a", 1_012, 10), work("b", 1_022, 10), work("d", 1_041, 10)],
      capacity,
    );
    expect(names(doable)).toEqual(["a", "b", "c"]);
    expect(names(late)).toEqual(["d"]);
  });

  it("leaves the time of what is late to the others", () => {
    const { doable, late } = inTime([work("hopeless", 1_005, 60), work("b", 1_012, 10)], capacity);
    expect(names(doable)).toEqual(["b"]);
    expect(names(late)).toEqual(["hopeless"]);
  });

  it("counts on all that compute", () => {
    const works = ["a", "b", "c", "d"].map((name) => work(name, 1_022, 10));
    expect(inTime(works, capacity).doable).toHaveLength(2);
    expect(inTime(works, { ...capacity, lanes: 3 }).doable).toHaveLength(4);
  });
});

describe("createEstimates", () => {
  it("follows what is measured, and counts a worker for a minute", () => {
    let now = 0;
    const model = parseModelId(parseHash32(`0x${"1".repeat(64)}`));
    const estimates = createEstimates(2, () => now);
    expect([estimates.runSeconds(model), estimates.postSeconds(), estimates.lanes()]).toEqual([0, 0, 2]);
    estimates.ran(model, 1);
    estimates.ran(model, 2);
    expect(estimates.runSeconds(model)).toBeCloseTo(1.2);
    estimates.heardOf("a", 4);
    estimates.heardOf("a", 4);
    expect(estimates.lanes()).toBe(6);
    now = 60_001;
    expect(estimates.lanes()).toBe(2);
  });
});
