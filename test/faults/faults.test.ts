import { describe, expect, it } from "vitest";
import { fuzzSeed } from "../../contracts/test/support/random.ts";
import { hasRedisServer } from "../../oracle-node/src/testing/redis-server.ts";
import { runFaults } from "./run-faults.ts";

/** As many as have every kind of fault among them. */
const SCHEDULES = 5;

describe.skipIf(!hasRedisServer())("services under faults", () => {
  it("lose no request and no dispute, post once, and nobody honest is slashed", async () => {
    const say = (line: string) => console.log(line);
    const results = await runFaults({ seed: fuzzSeed(), first: 0, count: SCHEDULES, lanes: 1, say });
    expect(results.flatMap(({ violations }) => violations)).toEqual([]);
    expect(results).toHaveLength(SCHEDULES);
  }, 3_600_000);
});
