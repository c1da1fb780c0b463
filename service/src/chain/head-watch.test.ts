import { expect, it } from "vitest";
import { createHeadWatch } from "./head-watch.ts";

it("createHeadWatch calls a head stale that has not moved for too long, unless told never to", () => {
  let ms = 0;
  const watch = createHeadWatch(60, () => ms);
  const never = createHeadWatch(0, () => ms);
  watch.saw(5n);
  ms = 60_000;
  watch.saw(5n);
  expect([watch.ageSeconds(), watch.isStale()]).toEqual([60, false]);
  ms = 61_000;
  expect([watch.isStale(), never.isStale()]).toEqual([true, false]);
  watch.saw(4n);
  expect(watch.isStale()).toBe(false);
});
