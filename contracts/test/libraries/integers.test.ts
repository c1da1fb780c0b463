import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { larger, smaller } from "../../../engine/src/program/bigint-order.ts";
import type { Opcode } from "../../../engine/src/program/instruction.ts";
import { type Harness, type OperationCase, startHarness } from "../support/harness.ts";
import { INTEGERS, randomInteger } from "../support/integers.ts";
import { fuzzCount, fuzzSeed, randomFrom } from "../support/random.ts";

const wrap32 = (value: bigint) => BigInt.asIntN(32, value);
const wrap64 = (value: bigint) => BigInt.asIntN(64, value);

/** docs/exact-profile.md, section 2, in bigints: their division truncates, their remainder has the dividend's sign. */
const REFERENCE = {
  iadd: (a, b) => wrap32(a + b),
  isub: (a, b) => wrap32(a - b),
  imul: (a, b) => wrap32(a * b),
  imax: larger,
  imin: smaller,
  idiv: (a, b) => (b === 0n ? 0n : wrap64(a / b)),
  imod: (a, b) => (b === 0n ? 0n : a % b),
  ilt: (a, b) => (a < b ? 1n : 0n),
  ieq: (a, b) => (a === b ? 1n : 0n),
  ladd: (a, b) => wrap64(a + b),
  lsub: (a, b) => wrap64(a - b),
  lmul: (a, b) => wrap64(a * b),
} satisfies Partial<Record<Opcode, (a: bigint, b: bigint) => bigint>>;

const CODES = Object.keys(REFERENCE) as (keyof typeof REFERENCE)[];

describe("integer operations", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  async function check(cases: readonly (OperationCase & { code: keyof typeof REFERENCE })[], seed: string) {
    const results = await harness.operations(cases);
    for (const [i, { code, a, b }] of cases.entries()) {
      const expected = REFERENCE[code](a, b);
      if (BigInt.asIntN(64, results[i] as bigint) !== expected) {
        expect.fail(
          `${seed}: ${code}(${a}, ${b}) is ${BigInt.asIntN(64, results[i] as bigint)}, not ${expected}`,
        );
      }
    }
  }

  it.each(CODES)("%s agrees with bigints on every pair of edges", async (code) => {
    await check(
      INTEGERS.flatMap((a) => INTEGERS.map((b) => ({ code, a, b }))),
      "edges",
    );
  });

  it("agree with bigints on random values", async () => {
    const random = randomFrom(fuzzSeed());
    const cases = Array.from({ length: fuzzCount(20_000) }, () => ({
      code: random.pick(CODES),
      a: randomInteger(random),
      b: randomInteger(random),
    }));
    await check(cases, `seed ${random.seed}`);
  });
});
