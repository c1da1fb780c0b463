import type { Random } from "../../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import type { HostTensor } from "../../../../engine/src/onnx/tensor.ts";
import type { Opcode } from "../../../../engine/src/program/instruction.ts";
import { caseOf, elementwise, host, OPSET, type OperatorCase } from "./case.ts";
import { intValues } from "./values.ts";

const EDGE_LONGS = [
  ...[0n, 1n, -1n, 7n, -7n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 2n ** 53n + 1n, 2n ** 62n + 2n ** 38n],
  ...[2n ** 62n + 2n ** 38n + 1n, -(2n ** 62n), 2n ** 63n - 1n, -(2n ** 63n)],
];

export function longs(values: readonly bigint[], dims: readonly number[] = [values.length]): HostTensor {
  return { type: "i64", dims, data: BigInt64Array.from(values) };
}

export function longValues(random: Random, count: number): bigint[] {
  return Array.from({ length: count }, () =>
    random.chance(0.3)
      ? random.pick(EDGE_LONGS)
      : BigInt.asIntN(64, (BigInt(random.bits()) << 32n) | BigInt(random.bits())) >>
        BigInt(random.int(0, 62)),
  );
}

type Pair = readonly [op: string, ofI32: Opcode, ofI64: Opcode];
const OPERATIONS: readonly Pair[] = [
  ["Add", "iadd", "ladd"],
  ["Sub", "isub", "lsub"],
  ["Mul", "imul", "lmul"],
  ["Div", "idiv", "idiv"],
  ["Mod", "imod", "imod"],
  ["Max", "imax", "imax"],
  ["Min", "imin", "imin"],
  ["Less", "ilt", "ilt"],
  ["Equal", "ieq", "ieq"],
];

/** Arithmetic and comparisons of i32 and i64; a condition comes out as u8. */
export function integerArithmetic(random: Random): OperatorCase {
  const type = random.pick(["i32", "i64"] as const);
  const [op, ofI32, ofI64] = random.pick(OPERATIONS);
  const code = type === "i32" ? ofI32 : ofI64;
  const count = random.int(1, 300);
  const isDivision = op === "Div" || op === "Mod";
  const values = (nonZero: boolean) => {
    const drawn = type === "i32" ? intValues(random, count).map(BigInt) : longValues(random, count);
    // onnxruntime dies of a division by 0 and of the least int by -1, and takes remainders as doubles. Its Max and Min of i64 compare low words
    // as signed where the high ones are equal (1.30.0, AVX2 and later), which is right for values within int32 alone.
    const tamed = drawn.map((value) =>
      op === "Mod" ? value >> 11n : op === "Max" || op === "Min" ? BigInt.asIntN(32, value) : value,
    );
    const chosen = nonZero
      ? tamed.map((value) => (value === 0n || value === -1n ? 3n : value))
      : tamed.map((value, i) => (i % 5 === 0 ? (tamed[0] as bigint) : value));
    return type === "i32" ? host("i32", [count], chosen.map(Number)) : longs(chosen);
  };
  const a = values(false);
  const b = op === "Equal" && random.chance(0.5) ? a : values(isDivision);
  const isCondition = op === "Less" || op === "Equal";
  const outDtype = isCondition ? "u8" : type;
  const model = new ModelBuilder(OPSET).input("a", type, [count]).input("b", type, [count]);
  if (isCondition) model.node(op, ["a", "b"], ["condition"]).node("Cast", ["condition"], ["y"], { to: 2 });
  else model.node(op, ["a", "b"], ["y"], op === "Mod" ? { fmod: 1 } : {});
  model.output("y", outDtype, [count]);
  const instruction = elementwise(
    outDtype,
    count,
    [type, type],
    [
      ["load", 0],
      ["load", 1],
      [code, 0, 1],
    ],
  );
  return caseOf(`${op} ${type}`, model, { a, b }, instruction);
}

/** Cast of i64 to f32 and i32, and of i32 to i64. */
export function castOfInts(random: Random): OperatorCase {
  const [from, to, code] = random.pick([
    ["i64", "f32", 1],
    ["i64", "i32", 6],
    ["i32", "i64", 7],
  ] as const);
  const count = random.int(1, 300);
  const x =
    from === "i64" ? longs(longValues(random, count)) : host("i32", [count], intValues(random, count));
  const model = new ModelBuilder(OPSET)
    .input("x", from, [count])
    .node("Cast", ["x"], ["y"], { to: code })
    .output("y", to, [count]);
  const instruction = elementwise(
    to,
    count,
    [from],
    to === "f32"
      ? [
          ["load", 0],
          ["tofloat", 0],
        ]
      : [["load", 0]],
  );
  return caseOf(`Cast ${from} to ${to}`, model, { x }, instruction);
}
