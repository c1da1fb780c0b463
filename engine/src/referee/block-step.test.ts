import { describe, expect, test } from "vitest";
import { checkInstruction } from "../program/check.ts";
import { SIGNATURES } from "../program/expression-kinds.ts";
import { DTYPES, type Dtype, type Instruction, OPCODES, type Opcode } from "../program/instruction.ts";
import { readStoredBits, tensorReader } from "./element-reader.ts";
import { evaluateElement } from "./evaluate-element.ts";
import { evaluateTensor } from "./evaluate-tensor.ts";
import { seededRandom } from "./testing/random-instruction.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
/** Two blocks and a bit. */
const ELEMENTS = 9_000;

const EDGE_INTS = [
  ...[0n, 1n, -1n, 2n, -2n, 3n, 7n, -10n, 255n, 256n, 65_535n, 65_536n, 2n ** 24n + 1n],
  ...[2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), -(2n ** 31n) - 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n],
  ...[2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 62n + 2n ** 38n, 2n ** 62n + 2n ** 38n + 1n],
  ...[2n ** 62n + 3n * 2n ** 38n, 2n ** 62n + 3n * 2n ** 38n - 1n, 2n ** 63n - 1n, -(2n ** 63n)],
];
const EDGE_FLOATS = [
  ...[0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x00800000, 0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000],
  ...[0xbf7fffff, 0x4affffff, 0x4b000000, 0x4b000001, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001],
  ...[0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0xffc00000],
];

describe("blockStep", () => {
  const random = seededRandom(SEED);

  /** Half edges, half anything, small numbers among them. */
  function tensor(dtype: Dtype): Uint8Array {
    const width = DTYPES[dtype].bytes;
    const bytes = random.bytes(ELEMENTS * width);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < ELEMENTS; i++) {
      const kind = random.int(0, 3);
      const edge = BigInt.asIntN(width * 8, random.pick(EDGE_INTS));
      const small = random.int(-9_100, 9_100);
      if (dtype === "f32") {
        if (kind === 0) view.setUint32(i * 4, random.pick(EDGE_FLOATS), true);
        else if (kind === 1) view.setFloat32(i * 4, small / 8, true);
      } else if (dtype === "i64") {
        if (kind === 0) view.setBigInt64(i * 8, edge, true);
        else if (kind === 1) view.setBigInt64(i * 8, BigInt(small), true);
      } else if (dtype === "i32") {
        if (kind === 0) view.setInt32(i * 4, Number(edge), true);
        else if (kind === 1) view.setInt32(i * 4, small, true);
      }
    }
    return bytes;
  }

  /** Operands 0 to 2 as values 0 to 2; for an operation that takes an operand, that is number 3. */
  function applied(code: Opcode, dtypes: readonly Dtype[], outDtype: Dtype): Instruction {
    const { a, b, imm } = SIGNATURES[code];
    const operation = {
      code,
      a: a === "operand" ? 3 : 0,
      b: b === undefined ? 0 : 1,
      imm: imm === "value" ? 2 : imm === "literal" ? -1_083_000_000 : 0,
    };
    const map = { offset: 0, out: [90, 1], reduce: [] };
    const bounds = [{ limit: 77, offset: -3, out: [0, 1], reduce: [] }];
    const instruction: Instruction = {
      accumulate: "none",
      outDtype,
      outDims: [100, 90],
      reduceDims: [],
      aZero: 0,
      bZero: 0,
      operands: dtypes.map((dtype, index) => ({
        space: "input",
        dtype,
        index,
        elements: ELEMENTS,
        map,
        bounds: index === 3 ? bounds : [],
      })),
      expression: [
        ...[0, 1, 2].map((number) => ({ code: "load" as const, a: number, b: 0, imm: 0 })),
        operation,
      ],
    };
    checkInstruction(instruction, 0);
    return instruction;
  }

  const INTS = ["i32", "i64"] as const;
  const cases: [Opcode, readonly Dtype[], Dtype][] = [];
  for (const code of Object.keys(OPCODES) as Opcode[]) {
    if (code === "acc" || code === "quantise_u8" || code === "quantise_i8") continue;
    const { a, b, gives } = SIGNATURES[code];
    const choices = (argument: typeof a): readonly Dtype[] =>
      argument === "int" ? INTS : argument === "value" ? [...INTS, "f32"] : ["f32"];
    for (const first of choices(a)) {
      for (const second of choices(b)) {
        const thirds: readonly Dtype[] = code !== "select" ? ["u8"] : second === "f32" ? ["f32"] : INTS;
        for (const third of thirds) {
          for (const fourth of a === "operand" ? (["i8", "i64", "f32"] as const) : (["u8"] as const)) {
            const float =
              gives === "f32" || (gives === "b" ? second : gives === "operand" ? fourth : "") === "f32";
            for (const out of float ? (["f32"] as const) : (["i64", "u8"] as const))
              cases.push([code, [first, second, third, fourth], out]);
          }
        }
      }
    }
  }

  test.each(cases)(
    "%s of %j into %s equals evaluateElement over several blocks",
    (code, dtypes, outDtype) => {
      const instruction = applied(code, dtypes, outDtype);
      const inputs = dtypes.map(tensor);
      const whole = evaluateTensor(instruction, { trace: [], weights: [], inputs });
      const readers = dtypes.map((dtype, k) => tensorReader(inputs[k] as Uint8Array, dtype));
      for (let element = random.int(0, 4); element < ELEMENTS; element += random.int(1, 9)) {
        const expected = evaluateElement(instruction, element, readers);
        const actual = readStoredBits(whole, outDtype, element);
        if (actual === expected) continue;
        const given = readers.map((read) => read(element));
        expect.fail(`seed ${SEED}, element ${element}: ${actual} is not ${expected}, from ${given}`);
      }
    },
  );
});
