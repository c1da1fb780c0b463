import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import {
  DTYPES,
  type Dtype,
  type Instruction,
  OPCODES,
  type Opcode,
} from "../../../engine/src/program/instruction.ts";
import { BOUNDARIES } from "../support/float32.ts";
import { type Harness, startHarness, tensorBytes } from "../support/harness.ts";
import { elementsOf, inputOperand, mapInstruction, operation, storedBits } from "../support/instructions.ts";
import { INTEGERS } from "../support/integers.ts";
import { fuzzCount, fuzzSeed, randomFrom } from "../support/random.ts";

const ALL = Object.keys(DTYPES) as Dtype[];
const INTS = ALL.filter((dtype) => dtype !== "f32");

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const indices = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("load and store", () => {
  it.each(ALL)("of %s keep every value; a NaN becomes +0", async (dtype) => {
    const values = dtype === "f32" ? BOUNDARIES.map(BigInt) : INTEGERS;
    const bytes = tensorBytes(dtype, values);
    const instruction = mapInstruction({
      outDtype: dtype,
      outDims: [values.length],
      operands: [inputOperand(dtype, 0, values.length)],
      expression: [operation("load")],
    });
    const { values: results } = await harness.evaluate(instruction, [bytes], indices(values.length));
    expect(results).toEqual(elementsOf(dtype, bytes).map((value) => storedBits(dtype, value)));
  });

  it.each(INTS)("of an int64 as %s keeps its low bits", async (outDtype) => {
    const instruction = mapInstruction({
      outDtype,
      outDims: [INTEGERS.length],
      operands: [inputOperand("i64", 0, INTEGERS.length)],
      expression: [operation("load")],
    });
    const { values } = await harness.evaluate(
      instruction,
      [tensorBytes("i64", INTEGERS)],
      indices(INTEGERS.length),
    );
    expect(values).toEqual(INTEGERS.map((value) => storedBits(outDtype, value)));
  });

  it("of an immediate: any int32, any f32 with one NaN", async () => {
    const store = (outDtype: Dtype, code: Opcode, imm: number) =>
      mapInstruction({ outDtype, outDims: [1], operands: [], expression: [operation(code, 0, 0, imm)] });
    for (const imm of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      const { values } = await harness.evaluate(store("i64", "int", imm), []);
      expect(values).toEqual([storedBits("i64", BigInt(imm))]);
    }
    for (const [imm, bits] of [
      [0x7f800000, 0x7f800000n],
      [0x80000000 | 0, 0x80000000n],
      [0x7f800001, 0x7fc00000n],
      [0xffc00000 | 0, 0x7fc00000n],
    ] as const) {
      const { values } = await harness.evaluate(store("f32", "float", imm), []);
      expect(values).toEqual([bits]);
    }
  });

  it("malformed where a load leaves its tensor, 0 where it is padding", async () => {
    const bounds = [{ limit: 3, offset: -1, out: [1], reduce: [] }];
    for (const [dtype, bounded] of ALL.flatMap((name) => [true, false].map((is) => [name, is] as const))) {
      const operand = inputOperand(dtype, 0, 3, {
        map: { offset: -1, out: [1], reduce: [] },
        bounds: bounded ? bounds : [],
      });
      const instruction = mapInstruction({
        outDtype: dtype,
        outDims: [5],
        operands: [operand],
        expression: [operation("load")],
      });
      const { values } = await harness.evaluate(instruction, [tensorBytes(dtype, [5, 6, 7])], indices(5));
      expect(values).toEqual(bounded ? [0n, 5n, 6n, 7n, 0n] : [null, 5n, 6n, 7n, null]);
    }
  });
});

describe("inside", () => {
  it("tells whether all bounds hold, wherever the map points and whatever the tensor holds", async () => {
    const operand = inputOperand("f32", 0, 1, {
      map: { offset: -1000, out: [999], reduce: [] },
      bounds: [
        { limit: 5, offset: -2, out: [1], reduce: [] },
        { limit: 2, offset: 0, out: [-1], reduce: [] },
        { limit: 1, offset: 7, out: [-1], reduce: [] },
      ],
    });
    for (const [count, expected] of [
      [1, [0n, 0n, 1n, 1n, 1n, 1n, 1n, 0n]],
      [0, [1n, 1n, 1n, 1n, 1n, 1n, 1n, 1n]],
      [2, [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]],
    ] as const) {
      const instruction = mapInstruction({
        outDtype: "u8",
        outDims: [8],
        operands: [{ ...operand, bounds: operand.bounds.slice(0, count) }],
        expression: [operation("inside")],
      });
      const { values } = await harness.evaluate(instruction, [new Uint8Array(0)], indices(8));
      expect(values).toEqual(expected);
    }
    const last = { ...operand, bounds: operand.bounds.slice(2) };
    const instruction = mapInstruction({
      outDtype: "i64",
      outDims: [8],
      operands: [last],
      expression: [operation("inside")],
    });
    const { values } = await harness.evaluate(instruction, [new Uint8Array(0)], indices(8));
    expect(values).toEqual([0n, 0n, 0n, 0n, 0n, 0n, 0n, 1n]);
  });
});

describe("loadat", () => {
  it.each(ALL)("of %s reads the element at the map's index plus b, 0 outside the tensor", async (dtype) => {
    const table = Array.from({ length: 300 }, (_, i) => BigInt(i + 1) * 0x0102_0304_0506_0708n);
    const bytes = tensorBytes(dtype, table);
    const elements = elementsOf(dtype, bytes);
    const offsets = [...INTEGERS, 298n, 299n, 300n, 301n, -300n, -299n];
    for (const base of [0, 3, -7, 2 ** 31 - 1, -(2 ** 31)]) {
      const instruction = mapInstruction({
        outDtype: dtype,
        outDims: [offsets.length],
        operands: [
          inputOperand(dtype, 0, 300, { map: { offset: base, out: [2], reduce: [] } }),
          inputOperand("i64", 1, offsets.length),
        ],
        expression: [operation("load", 1), operation("loadat", 0, 0)],
      });
      const { values } = await harness.evaluate(
        instruction,
        [bytes, tensorBytes("i64", offsets)],
        indices(offsets.length),
      );
      const expected = offsets.map((offset, i) => {
        const index = BigInt(base + 2 * i) + offset;
        return storedBits(dtype, index >= 0n && index < 300n ? (elements[Number(index)] as bigint) : 0n);
      });
      expect(values).toEqual(expected);
    }
  });

  it("gives 0 out of bounds, and shares its operand with load and inside", async () => {
    const operand = inputOperand("i32", 0, 4, { bounds: [{ limit: 4, offset: 0, out: [1], reduce: [] }] });
    const instruction = mapInstruction({
      outDtype: "i32",
      outDims: [6],
      operands: [operand],
      expression: [
        operation("int", 0, 0, -1),
        operation("loadat", 0, 0),
        operation("load", 0),
        operation("int", 0, 0, 100),
        operation("imul", 2, 3),
        operation("inside", 0),
        operation("int", 0, 0, 10_000),
        operation("imul", 5, 6),
        operation("iadd", 1, 4),
        operation("iadd", 8, 7),
      ],
    });
    const { values } = await harness.evaluate(
      instruction,
      [tensorBytes("i32", [11, 22, 33, 44])],
      indices(6),
    );
    expect(values).toEqual([11_100n, 12_211n, 13_322n, 14_433n, 0n, 0n]);
  });
});

describe("select", () => {
  it("takes the second value where the condition is not 0, the third where it is", async () => {
    const conditions = [0n, 1n, -1n, 2n ** 32n, -(2n ** 63n), 256n];
    for (const [dtype, code] of [
      ["i64", "int"],
      ["f32", "float"],
    ] as const) {
      const instruction = mapInstruction({
        outDtype: dtype,
        outDims: [conditions.length],
        operands: [inputOperand("i64", 0, conditions.length)],
        expression: [
          operation("load"),
          operation(code, 0, 0, 7),
          operation(code, 0, 0, 9),
          operation("select", 0, 1, 2),
        ],
      });
      const { values } = await harness.evaluate(
        instruction,
        [tensorBytes("i64", conditions)],
        indices(conditions.length),
      );
      expect(values).toEqual([9n, 7n, 7n, 7n, 7n, 7n]);
    }
  });
});

describe("zero points of quantise", () => {
  it("beyond the dtype are malformed, within it not", async () => {
    for (const [code, outDtype, low, high] of [
      ["quantise_u8", "u8", 0n, 255n],
      ["quantise_i8", "i8", -128n, 127n],
    ] as const) {
      const instruction = mapInstruction({
        outDtype,
        outDims: [INTEGERS.length],
        operands: [inputOperand("i64", 0, INTEGERS.length)],
        expression: [operation("load"), operation("float", 0, 0, 0), operation(code, 1, 0)],
      });
      const { values } = await harness.evaluate(
        instruction,
        [tensorBytes("i64", INTEGERS)],
        indices(INTEGERS.length),
      );
      expect(values).toEqual(
        INTEGERS.map((zero) => (zero >= low && zero <= high ? storedBits(outDtype, zero) : null)),
      );
    }
  });
});

/** Arguments of each operation, and what it gives. */
const KINDS: Record<
  Opcode,
  readonly [takes: readonly ("int" | "f32" | "operand")[], gives: "int" | "f32" | "any"]
> = {
  acc: [[], "any"],
  load: [["operand"], "any"],
  int: [[], "int"],
  float: [[], "f32"],
  inside: [["operand"], "int"],
  loadat: [["operand", "int"], "any"],
  ...fromNames(["iadd", "isub", "imul", "imax", "imin", "idiv", "imod", "ilt", "ieq"], ["int", "int"], "int"),
  ...fromNames(["ladd", "lsub", "lmul"], ["int", "int"], "int"),
  tofloat: [["int"], "f32"],
  ...fromNames(["fadd", "fsub", "fmul", "fdiv", "fmax", "fmin"], ["f32", "f32"], "f32"),
  ...fromNames(["fsqrt", "ffloor", "fceil", "fround", "fabs"], ["f32"], "f32"),
  ...fromNames(["flt", "feq"], ["f32", "f32"], "int"),
  toint: [["f32"], "int"],
  quantise_u8: [["f32", "int"], "int"],
  quantise_i8: [["f32", "int"], "int"],
  select: [["int", "int"], "any"],
} as never;

function fromNames(names: readonly Opcode[], takes: readonly string[], gives: string) {
  return Object.fromEntries(names.map((name) => [name, [takes, gives]]));
}

describe("the codec", () => {
  // Values 0 and 1 are ints, 2 and 3 f32; operand 0 is i32, operand 1 f32.
  const values = [operation("int"), operation("int"), operation("float"), operation("float")];
  const operands = [inputOperand("i32", 0, 4), inputOperand("f32", 1, 4)];
  const place = { int: 1, f32: 3, operand: 0 } as const;

  const withLast = (
    last: Instruction["expression"][number],
    outDtype: Dtype,
    accumulate: Instruction["accumulate"] = "none",
  ): Uint8Array => {
    const reduce = accumulate === "none" ? [] : [0];
    return encodeInstruction({
      ...mapInstruction({ outDtype, outDims: [4], operands: [], expression: [...values, last] }),
      accumulate,
      reduceDims: accumulate === "none" ? [] : [2],
      operands: operands.map((operand) => ({ ...operand, map: { ...operand.map, reduce } })),
    });
  };

  it.each(Object.keys(OPCODES) as Opcode[])(
    "takes %s with arguments of the right kind alone and nothing in unused fields",
    async (code) => {
      const [takes, gives] = KINDS[code];
      const accumulate = code === "acc" ? "sum" : "none";
      const [a, b] = [0, 1].map((i) => (takes[i] === undefined ? 0 : place[takes[i]]));
      const right = operation(code, a, b, code === "select" ? 1 : 0);
      const out = gives === "f32" ? "f32" : "i64";
      const usesImm = code === "int" || code === "float" || code === "select";
      const legal = [right];
      const illegal = [operation(code, 200, b, right.imm), operation(code, a, 200, right.imm)];
      if (!usesImm) illegal.push({ ...right, imm: 1 }, { ...right, imm: -1 });
      for (const [i, name] of (["a", "b"] as const).entries()) {
        const due = takes[i];
        if (due === undefined) {
          illegal.push({ ...right, [name]: 1 });
          continue;
        }
        illegal.push({ ...right, [name]: 4 });
        if (due === "operand") illegal.push({ ...right, [name]: 2 });
        else
          for (const value of [0, 1, 2, 3])
            (value < 2 === (due === "int") ? legal : illegal).push({ ...right, [name]: value });
      }
      if (code === "select") {
        illegal.push({ ...right, imm: 2 }, { ...right, imm: 4 }, { ...right, imm: -1 }, { ...right, b: 2 });
      }
      const encodings = [...legal, ...illegal].map((last) => withLast(last, out, accumulate));
      // A value of the other kind cannot be stored.
      encodings.push(withLast(right, gives === "f32" ? "i64" : "f32", accumulate));
      expect(await harness.decodes(encodings)).toEqual([
        ...legal.map(() => true),
        ...illegal.map(() => false),
        false,
      ]);
    },
  );

  it("gives what is read the kind of its operand", async () => {
    const encodings = [
      withLast(operation("load", 1), "f32"),
      withLast(operation("loadat", 1, 0), "f32"),
      withLast(operation("inside", 1), "u8"),
      withLast(operation("select", 0, 2, 3), "f32"),
      withLast(operation("load", 1), "i32"),
      withLast(operation("loadat", 1, 0), "i64"),
      withLast(operation("inside", 1), "f32"),
      withLast(operation("select", 0, 2, 3), "i64"),
      withLast(operation("select", 2, 0, 1), "i64"),
    ];
    expect(await harness.decodes(encodings)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("reduces dtypes that the reduction is for, and gives acc the kind of what it read", async () => {
    const results = [];
    const expected = [];
    for (const accumulate of ["dot", "sum", "max", "min"] as const) {
      for (const dtype of ALL) {
        for (const outDtype of ["i64", "f32"] as const) {
          const map = { offset: 0, out: [0], reduce: [1] };
          const operand = inputOperand(dtype, 0, 2, { map });
          results.push(
            encodeInstruction({
              accumulate,
              outDtype,
              outDims: [1],
              reduceDims: [2],
              aZero: 0,
              bZero: 0,
              operands: [operand, operand],
              expression: [operation("acc")],
            }),
          );
          const reduces =
            accumulate === "dot" ? DTYPES[dtype].bytes === 1 : accumulate !== "sum" || dtype !== "f32";
          expected.push(reduces && (dtype === "f32") === (outDtype === "f32"));
        }
      }
    }
    expect(await harness.decodes(results)).toEqual(expected);
  });

  it("knows no other operation, reduction or dtype", async () => {
    const known = new Set<number>(Object.values(OPCODES));
    const encoded = withLast(operation("iadd", 0, 1), "i64");
    const at = encoded.length - 7;
    const variants = [...Array(256).keys()].map((code) => {
      const bytes = Uint8Array.from(encoded);
      bytes[at] = code;
      return bytes;
    });
    const taken = await harness.decodes(variants);
    for (const [code, is] of taken.entries()) if (is) expect(known).toContain(code);
    const header = (byte: number, value: number) => {
      const bytes = Uint8Array.from(encoded);
      bytes[byte] = value;
      return bytes;
    };
    expect(await harness.decodes([encoded, header(0, 5), header(1, 0), header(1, 6)])).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it("counts 8 bytes for an element of i64", async () => {
    const sized = (outDims: readonly number[]) =>
      encodeInstruction(
        mapInstruction({ outDtype: "i64", outDims, operands: [], expression: [operation("int")] }),
      );
    expect(await harness.decodes([sized([2 ** 29 - 1]), sized([2 ** 29])])).toEqual([true, false]);
  });
});

describe("any expression", () => {
  it("costs a bounded amount of gas at its longest and widest", async () => {
    const random = randomFrom(fuzzSeed());
    const dims = Array.from({ length: 8 }, () => 2);
    const form = () => ({
      offset: random.int(-9, 9),
      out: dims.map(() => random.int(-3, 3)),
      reduce: dims.map(() => 1),
    });
    let worst = 0;
    for (let run = 0; run < fuzzCount(8); run++) {
      const operands = Array.from({ length: 8 }, (_, index) =>
        inputOperand("i64", index, 64, {
          map: { ...form(), offset: 24 },
          bounds: Array.from({ length: 4 }, () => ({ ...form(), limit: 100, offset: 50 })),
        }),
      );
      const code = random.pick(["load", "loadat", "inside"] as const);
      const instruction: Instruction = {
        ...mapInstruction({ outDtype: "i64", outDims: dims, operands, expression: [] }),
        accumulate: "max",
        reduceDims: dims.map(() => 1),
        expression: [operation("int"), ...Array.from({ length: 63 }, (_, k) => operation(code, k % 8, 0))],
      };
      const bytes = operands.map(() => tensorBytes("i64", Array(64).fill(0)));
      const { gas } = await harness.evaluate(instruction, bytes, [random.int(0, 255)]);
      worst = Math.max(worst, ...gas);
    }
    expect(worst).toBeLessThan(500_000);
  });
});
