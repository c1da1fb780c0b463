import { describe, expect, test } from "vitest";
import { answerHash, KNOWN_ANSWERS, runVector } from "../knownAnswers.ts";
import { KERNEL_VECTORS } from "./index.ts";

describe("known-answer vectors", () => {
  test("have names of their own, and each has an answer and nothing else has", () => {
    const names = KERNEL_VECTORS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(KNOWN_ANSWERS).sort()).toEqual([...names].sort());
  });

  test("have the answers that plain arithmetic gives", () => {
    let recomputed = 0;
    for (const { name, make } of KERNEL_VECTORS) {
      const expected = make().expected?.();
      if (!expected) continue;
      recomputed++;
      const bytes = expected.map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      expect([name, KNOWN_ANSWERS[name]]).toEqual([name, answerHash(bytes)]);
    }
    expect(recomputed).toBeGreaterThan(200);
  });

  test("hold on this CPU, but for u8 x i8 with weights over 7 bits, which may not", async () => {
    const wrong: string[] = [];
    for (const vector of KERNEL_VECTORS) {
      if (vector.holds === "every CPU" && (await runVector(vector)) !== KNOWN_ANSWERS[vector.name]) {
        wrong.push(vector.name);
      }
    }
    expect(wrong).toEqual([]);
  });
});
