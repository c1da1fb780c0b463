import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DTYPES,
  type Dtype,
  type Instruction,
  OPCODES,
  type Opcode,
} from "../../../engine/src/program/instruction.ts";
import { type Harness, startHarness, tensorBytes } from "../support/harness.ts";
import { inputOperand, mapInstruction, operation } from "../support/instructions.ts";
import { expectSnapshot } from "../support/snapshot.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const FLOATS = [
  0x3fc00001, 0xbf8ccccd, 0x00000003, 0x7f7fffff, 0x80000000, 0x4b000001, 0x42f70a3d, 0x7f800000,
];
const INTS = [0n, 1n, -1n, 100n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 63n - 1n, -(2n ** 63n)];

/** What the compiler's estimate of a step rests on: gas of each part of a step, decoding and proofs aside, rounded. */
const figures: Record<string, Record<string, number>> = {};

describe("gas of the referee's parts", () => {
  it("an operation, over all pairs of a few values", async () => {
    const count = FLOATS.length * FLOATS.length;
    const pair = (i: number) => [Math.floor(i / FLOATS.length), i % FLOATS.length] as const;
    // Values 0 and 1 are the ints, 2 and 3 the f32; 4 is a zero point.
    const values = [0, 1, 2, 3].map((i) => operation("load", i));
    const operands = [
      inputOperand("i64", 0, count),
      inputOperand("i64", 1, count),
      inputOperand("f32", 2, count),
      inputOperand("f32", 3, count),
      inputOperand("f32", 4, 300, { map: { offset: 0, out: [0], reduce: [] } }),
    ];
    const tensors = [
      tensorBytes(
        "i64",
        Array.from({ length: count }, (_, i) => INTS[pair(i)[0]] as bigint),
      ),
      tensorBytes(
        "i64",
        Array.from({ length: count }, (_, i) => INTS[pair(i)[1]] as bigint),
      ),
      tensorBytes(
        "f32",
        Array.from({ length: count }, (_, i) => FLOATS[pair(i)[0]] as number),
      ),
      tensorBytes(
        "f32",
        Array.from({ length: count }, (_, i) => FLOATS[pair(i)[1]] as number),
      ),
      tensorBytes("f32", Array(300).fill(0)),
    ];
    const elements = Array.from({ length: count }, (_, i) => i);
    const repeats = 40;
    const measure = async (repeated: Instruction["expression"][number] | null) => {
      const middle = repeated === null ? [] : Array.from({ length: repeats }, () => repeated);
      const { gas } = await harness.evaluate(
        mapInstruction({
          outDtype: "i64",
          outDims: [count],
          operands,
          expression: [...values, operation("int", 0, 0, 5), ...middle, operation("int")],
        }),
        tensors,
        elements,
      );
      return gas;
    };
    const without = await measure(null);
    const of = (code: Opcode): Instruction["expression"][number] => {
      if (code === "load" || code === "inside") return operation(code, 0);
      if (code === "loadat") return operation(code, 4, 4);
      if (code === "int" || code === "float") return operation(code);
      if (code === "select") return operation(code, 0, 1, 0);
      if (code === "quantise_u8" || code === "quantise_i8") return operation(code, 2, 4);
      if (code === "tofloat") return operation(code, 0);
      const one = ["fsqrt", "ffloor", "fceil", "fround", "fabs", "toint"].includes(code);
      if (one) return operation(code, 2);
      return code.startsWith("f") ? operation(code, 2, 3) : operation(code, 0, 1);
    };
    const operations: Record<string, number> = {};
    for (const code of Object.keys(OPCODES) as Opcode[]) {
      if (code === "acc") continue;
      const gas = await measure(of(code));
      operations[code] = Math.round(
        Math.max(...gas.map((used, i) => (used - (without[i] as number)) / repeats)),
      );
    }
    figures.operation = operations;
  });

  it("the first look at an operand, without and with bounds", async () => {
    const measure = async (operandCount: number, bounds: number, rank: number) => {
      const out = Array(rank).fill(1);
      const operands = Array.from({ length: operandCount }, (_, index) =>
        inputOperand("f32", index, 300, {
          map: { offset: 0, out, reduce: [] },
          bounds: Array.from({ length: bounds }, () => ({ limit: 99, offset: 0, out, reduce: [] })),
        }),
      );
      const { gas } = await harness.evaluate(
        mapInstruction({
          outDtype: "f32",
          outDims: Array(rank).fill(1),
          operands,
          expression: [...operands.map((_, i) => operation("load", i)), operation("float")],
        }),
        operands.map(() => new Uint8Array(1200)),
      );
      return gas[0] as number;
    };
    const perOperand = async (bounds: number, rank: number) =>
      Math.round(((await measure(8, bounds, rank)) - (await measure(0, bounds, rank))) / 8);
    figures.operand = {
      "rank 1": await perOperand(0, 1),
      "rank 4": await perOperand(0, 4),
      "rank 4, two bounds": await perOperand(2, 4),
      "rank 8, four bounds": await perOperand(4, 8),
    };
  });

  it("an element of a reduction, and a run of one", async () => {
    const element: Record<string, number> = {};
    const run: Record<string, number> = {};
    const measure = async (
      accumulate: Instruction["accumulate"],
      dtype: Dtype,
      reduceDims: readonly number[],
      strides: readonly number[],
    ) => {
      const reach = reduceDims.reduce((sum, dim, k) => sum + (dim - 1) * (strides[k] as number), 1);
      const operand = (index: number, reduce: readonly number[], offset: number) =>
        inputOperand(dtype, index, reach, { map: { offset, out: [0], reduce } });
      const operands = [operand(0, strides, 0)];
      if (accumulate === "dot")
        operands.push(
          operand(
            1,
            strides.map((stride) => -stride),
            reach - 1,
          ),
        );
      const values = dtype === "f32" ? FLOATS : INTS;
      const bytes = tensorBytes(
        dtype,
        Array.from({ length: reach }, (_, i) => values[i % values.length] as number | bigint),
      );
      const { gas } = await harness.evaluate(
        {
          accumulate,
          outDtype: dtype === "f32" ? "f32" : "i64",
          outDims: [1],
          reduceDims,
          aZero: 0,
          bZero: 0,
          operands,
          expression: [operation("acc")],
        },
        operands.map(() => bytes),
      );
      return gas[0] as number;
    };
    for (const accumulate of ["dot", "sum", "max", "min"] as const) {
      for (const dtype of Object.keys(DTYPES) as Dtype[]) {
        if (accumulate === "dot" ? DTYPES[dtype].bytes > 1 : accumulate === "sum" && dtype === "f32")
          continue;
        for (const [name, stride] of [
          ["contiguous", 1],
          ["strided", 3],
        ] as const) {
          const long = await measure(accumulate, dtype, [2048], [stride]);
          const short = await measure(accumulate, dtype, [512], [stride]);
          element[`${accumulate} ${dtype}, ${name}`] = Math.round((long - short) / 153.6) / 10;
        }
        // Rows that do not join: 4 elements each, 100 apart.
        const many = await measure(accumulate, dtype, [20, 4], [100, 1]);
        const few = await measure(accumulate, dtype, [4, 4], [100, 1]);
        run[`${accumulate} ${dtype}, of 4 elements`] = Math.round((many - few) / 16);
      }
    }
    figures.element = element;
    figures.run = run;
    expect(element["max f32, contiguous"]).toBeLessThan(300);
  });

  it("is the committed one", () => {
    expectSnapshot("referee-gas.json", figures);
  });
});
