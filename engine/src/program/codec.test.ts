import { describe, expect, test } from "vitest";
import { randomInstruction, seededRandom } from "../referee/testing/random-instruction.ts";
import { decodeInstruction } from "./decode.ts";
import { encodeInstruction } from "./encode.ts";
import type { Instruction } from "./instruction.ts";
import { decodeProgram, encodeProgram } from "./program-file.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** y = RNE(f32(acc) * 2^-7) + 5 of a 4-long u8 x i8 dot product, for 6 outputs. */
const DOT: Instruction = {
  accumulate: "dot",
  outDtype: "u8",
  outDims: [2, 3],
  reduceDims: [4],
  aZero: 3,
  bZero: 0,
  operands: [
    {
      space: "trace",
      dtype: "u8",
      index: 1,
      elements: 8,
      map: { offset: 0, out: [4, 0], reduce: [1] },
      bounds: [{ limit: 2, offset: 0, out: [1, 0], reduce: [0] }],
    },
    {
      space: "weight",
      dtype: "i8",
      index: 0,
      elements: 12,
      map: { offset: 0, out: [0, 4], reduce: [1] },
      bounds: [],
    },
  ],
  expression: [
    { code: "acc", a: 0, b: 0, imm: 0 },
    { code: "tofloat", a: 0, b: 0, imm: 0 },
    { code: "float", a: 0, b: 0, imm: 0x3c000000 },
    { code: "fmul", a: 1, b: 2, imm: 0 },
    { code: "int", a: 0, b: 0, imm: 5 },
    { code: "quantise_u8", a: 3, b: 4, imm: 0 },
  ],
};

const GOLDEN =
  "0101020100000002000000030000000400000003000000000200010000000100000008000000000000000400000000" +
  "0000000101000000020000000000000001000000000000000001020000000000" +
  "00000c00000000000000000000000400000001000601000000000000200000000000000400003c00000023010200000000" +
  "03000000000005300304000000" +
  "00";

describe("encodeInstruction", () => {
  test("gives the bytes of the profile", () => {
    expect(Buffer.from(encodeInstruction(DOT)).toString("hex")).toBe(GOLDEN);
  });

  test("refuses a number that its field cannot hold", () => {
    expect(() => encodeInstruction({ ...DOT, aZero: 2 ** 31 })).toThrow("does not fit i32");
    expect(() => encodeInstruction({ ...DOT, outDims: [1.5, 1] })).toThrow("does not fit u32");
  });

  test("refuses a form without one coefficient per dim", () => {
    expect(() => encodeInstruction({ ...DOT, outDims: [6] })).toThrow("2 + 1 coefficients for 1 + 1 dims");
  });
});

describe("decodeInstruction", () => {
  test("undoes encodeInstruction for random instructions", () => {
    console.log(`seed ${SEED}`);
    const random = seededRandom(SEED);
    for (let round = 0; round < 500; round++) {
      const instruction = randomInstruction(random);
      expect(decodeInstruction(encodeInstruction(instruction), 0)).toEqual(instruction);
    }
  });

  test("refuses every truncation and every addition", () => {
    const bytes = encodeInstruction(DOT);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeInstruction(bytes.subarray(0, length), 2)).toThrow("Instruction 2");
    }
    expect(() => decodeInstruction(Uint8Array.of(...bytes, 0), 2)).toThrow("1 bytes follow");
  });

  test("gives an instruction or PROGRAM_MALFORMED, nothing else, for damaged bytes", () => {
    const random = seededRandom(SEED);
    const seen = { decoded: 0, refused: 0 };
    for (let round = 0; round < 5000; round++) {
      const bytes = encodeInstruction(randomInstruction(random));
      for (let hits = random.int(1, 3); hits > 0; hits--) {
        bytes[random.int(0, bytes.length - 1)] = random.pick([0, 1, 2, 4, 255, random.int(0, 255)]);
      }
      try {
        expect(encodeInstruction(decodeInstruction(bytes, 0))).toEqual(bytes);
        seen.decoded++;
      } catch (error) {
        expect(error).toMatchObject({ code: "PROGRAM_MALFORMED" });
        seen.refused++;
      }
    }
    expect(Math.min(seen.decoded, seen.refused)).toBeGreaterThan(100);
  });

  const [a, b] = DOT.operands as [Instruction["operands"][0], Instruction["operands"][0]];
  const [acc, tofloat] = DOT.expression as [Instruction["expression"][0], Instruction["expression"][0]];
  test.each<[string, Partial<Instruction>]>([
    ["a later trace tensor", { operands: [{ ...a, index: 2 }, b] }],
    ["an i32 in a dot", { operands: [a, { ...b, dtype: "i32" }] }],
    ["a missing operand", { operands: [a] }],
    ["a zero dim", { outDims: [0, 3] }],
    ["2^32 elements", { outDims: [65536, 65536] }],
    ["2^32 bytes", { outDims: [32768, 32768], outDtype: "i32", expression: [acc] }],
    ["2^32 reduction positions", { reduceDims: [65536, 65536], operands: [] }],
    ["no reduction dims", { reduceDims: [], operands: [] }],
    ["an unused zero point", { accumulate: "max", aZero: 1 }],
    ["no elements", { operands: [{ ...a, elements: 0 }, b] }],
    ["an int where f32 is due", { expression: [acc, { ...tofloat, code: "fadd" }] }],
    ["an f32 as a u8", { expression: [acc, tofloat] }],
    ["an int as an f32", { outDtype: "f32", expression: [acc] }],
    ["a value that comes later", { expression: [{ ...tofloat, a: 0 }, acc] }],
    ["an unused argument", { expression: [{ ...acc, a: 1 }] }],
    ["an unused immediate", { expression: [{ ...acc, imm: 1 }] }],
    ["a load of no operand", { expression: [{ code: "load", a: 2, b: 0, imm: 0 }] }],
    [
      "an accumulator of nothing",
      { accumulate: "none", reduceDims: [], operands: [], aZero: 0, expression: [acc] },
    ],
    ["65 operations", { expression: Array.from({ length: 65 }, () => acc) }],
    ["no operations", { expression: [] }],
  ])("refuses %s", (_, change) => {
    expect(() => decodeInstruction(encodeInstruction({ ...DOT, ...change }), 2)).toThrow("malformed");
  });
});

describe("decodeProgram", () => {
  const program = [encodeInstruction(DOT), Uint8Array.of(1, 2, 3)];

  test("undoes encodeProgram", () => {
    expect(decodeProgram(encodeProgram(program))).toEqual(program);
  });

  test("refuses every truncation, an addition and an empty program", () => {
    const file = encodeProgram(program);
    for (let length = 0; length < file.length; length++) {
      expect(() => decodeProgram(file.subarray(0, length))).toThrow("in the middle");
    }
    expect(() => decodeProgram(Uint8Array.of(...file, 0))).toThrow("1 bytes follow");
    expect(() => decodeProgram(new Uint8Array(4))).toThrow("0 instructions");
  });
});
