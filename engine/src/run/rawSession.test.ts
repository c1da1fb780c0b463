import { describe, expect, test } from "vitest";
import { withoutNaN } from "./rawSession.ts";

const f32 = (data: Float32Array) => ({ type: "f32" as const, dims: [data.length], data });

describe("withoutNaN", () => {
  test("finds a NaN of any sign and bits at any place, and nothing else", () => {
    for (let length = 1; length <= 9; length++) {
      for (let at = 0; at < length; at++) {
        for (const bits of [0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff]) {
          const data = new Float32Array(length).fill(Number.NEGATIVE_INFINITY);
          new Uint32Array(data.buffer)[at] = bits;
          const expected = new Float32Array(length).fill(Number.NEGATIVE_INFINITY);
          expected[at] = 0;
          expect(withoutNaN(f32(data)).data).toEqual(expected);
        }
      }
    }
    const tensor = f32(Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 3e38, 1e-45));
    expect(withoutNaN(tensor)).toBe(tensor);
  });

  test("reads a part of a buffer", () => {
    const data = Float32Array.of(Number.NaN, 1, 2, Number.NaN).subarray(1, 3);
    const tensor = f32(data);
    expect(withoutNaN(tensor)).toBe(tensor);
  });
});
