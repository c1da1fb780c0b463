import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fuzzCount } from "../../contracts/test/support/random.ts";
import { openScene, type Scene } from "../../oracle-node/src/testing/scene.ts";
import { runQueueLoad } from "./queue-load.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

/** 2,000 with `npm run test:long`. */
const REQUESTS = fuzzCount(100);
/** V8 and onnxruntime grow to their working size over the first requests. */
const WARM_UP_SHARE = 0.5;
const MOST_GROWTH_MB = 60;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

describe("a node under load", () => {
  it("answers every request once and keeps no memory of it", async () => {
    const { answers, samples } = await runQueueLoad(scene, {
      ...{ requests: REQUESTS, processes: 2, queueUrl: "embedded" },
    });
    expect(new Set(answers)).toEqual(new Set([1]));
    const warm = samples.filter(({ answered }) => answered >= REQUESTS * WARM_UP_SHARE);
    const growth = (of: (sample: (typeof samples)[number]) => number) =>
      of(warm.at(-1) as never) - of(warm[0] as never);
    expect(growth(({ nodeMb }) => nodeMb)).toBeLessThan(MOST_GROWTH_MB);
    expect(growth(({ modelsMb }) => modelsMb)).toBeLessThan(MOST_GROWTH_MB);
  });
});
