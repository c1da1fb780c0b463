import { bytesToHex } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../../contracts/test/support/random.ts";
import { decodeInstruction } from "../../engine/src/program/decode.ts";
import { encodeInstruction } from "../../engine/src/program/encode.ts";
import { randomCase } from "./support/random-instruction.ts";
import { orMalformed, SolidityReferee } from "./support/solidity.ts";

/*
 * What an instruction's own bytes show (profile, section 5) is decided alike by `decodeInstruction` and by the referee's codec, with no
 * exception: both check the header, sizes, operands and the expression's kinds. What needs more than the bytes differs by design:
 * - whether a weight or an input exists: `validateProgram` and `judge`, not the codecs;
 * - flat indices, empty maxima and zero points: `validateProgram` proves them for all elements and may refuse what never happens;
 *   `judge` finds them at one element.
 */

let referee: SolidityReferee;
beforeAll(async () => {
  referee = await SolidityReferee.start();
});
afterAll(() => referee.stop());

interface Encoding {
  readonly index: number;
  readonly bytes: Uint8Array;
}

function mutated(random: Random, { index, bytes }: Encoding): Encoding {
  const changed = Uint8Array.from(bytes);
  const at = random.chance(0.3)
    ? random.int(0, Math.min(12, bytes.length - 1))
    : random.int(0, bytes.length - 1);
  switch (random.int(0, 8)) {
    case 0:
      return { index, bytes: changed.subarray(0, random.int(0, bytes.length)) };
    case 1:
      return { index, bytes: Buffer.concat([changed, random.bytes(random.int(1, 40))]) };
    case 2:
      return {
        index,
        bytes: Buffer.concat([changed.subarray(0, at), random.bytes(1), changed.subarray(at)]),
      };
    case 3:
      return { index, bytes: Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1)]) };
    case 4:
      return { index: random.int(0, index), bytes: changed };
    case 5: // within the expression, where small changes tend to matter
      changed[bytes.length - 1 - random.int(0, Math.min(60, bytes.length - 1))] = random.int(0, 40);
      return { index, bytes: changed };
    case 6:
      changed.set(
        random.pick([
          [0, 0, 0, 0],
          [255, 255, 255, 255],
          [0, 1, 0, 0],
          [128, 0, 0, 0],
        ]),
        Math.min(at, bytes.length - 4),
      );
      return { index, bytes: changed };
    default:
      changed[at] = random.chance(0.5) ? random.int(0, 9) : random.int(0, 255);
      return {
        index,
        bytes: random.chance(0.3) ? mutated(random, { index, bytes: changed }).bytes : changed,
      };
  }
}

async function check(encodings: readonly Encoding[], what: string): Promise<{ good: number; bad: number }> {
  const expected = encodings.map(
    ({ index, bytes }) => orMalformed(() => decodeInstruction(bytes, index)) !== "malformed",
  );
  const actual = await referee.decodes(encodings);
  for (const [i, { index, bytes }] of encodings.entries()) {
    if (actual[i] !== expected[i]) {
      expect.fail(
        `${what}: TypeScript ${expected[i]}, Solidity ${actual[i]}: index ${index}, ${bytesToHex(bytes)}`,
      );
    }
  }
  const good = expected.filter(Boolean).length;
  return { good, bad: expected.length - good };
}

describe("encodings", () => {
  it("are well formed or malformed alike in TypeScript and in Solidity", async () => {
    const random = randomFrom(fuzzSeed());
    const seen = { good: 0, bad: 0 };
    for (let batch = 0; batch < fuzzCount(30); batch++) {
      const encodings = Array.from({ length: 60 }, () => {
        const one = randomCase(random);
        const encoding = { index: one.index, bytes: encodeInstruction(one.instruction) };
        return random.chance(0.1) ? encoding : mutated(random, encoding);
      });
      const { good, bad } = await check(encodings, `seed ${random.seed}, batch ${batch}`);
      seen.good += good;
      seen.bad += bad;
    }
    expect(seen.good).toBeGreaterThan(100);
    expect(seen.bad).toBeGreaterThan(100);
  });

  it("of random bytes never make the codec fail", async () => {
    const random = randomFrom(fuzzSeed());
    const encodings = Array.from({ length: 300 }, () => {
      const bytes = random.bytes(random.int(0, 300));
      // A plausible header lets it get further.
      bytes.set(
        [random.int(0, 4), random.int(0, 5), random.int(0, 9), random.int(0, 9)].slice(0, bytes.length),
      );
      return { index: random.int(0, 5), bytes };
    });
    await check(encodings, `seed ${random.seed}`);
  });

  it("of every single-byte change of one instruction agree", async () => {
    const random = randomFrom(1);
    const one = randomCase(random);
    const bytes = encodeInstruction(one.instruction);
    for (let at = 0; at < bytes.length; at++) {
      const values =
        at < 4 || at > bytes.length - 64
          ? Array.from({ length: 64 }, (_, value) => value)
          : [0, 1, 2, 3, 4, 5, 255];
      await check(
        values.map((value) => ({ index: one.index, bytes: bytes.with(at, value) })),
        `byte ${at}`,
      );
    }
  });
});
