import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../onnx/build.ts";
import { ELEMENT_TYPES, type ElementType } from "../onnx/tensor.ts";
import { compileAndCompare, randomIntegers, typedModel } from "../testing/compileSmall.ts";

const INTEGERS = ["u8", "i8", "i32", "i64"] as const;
const CALCULATING = ["i32", "i64"] as const;

/** y = op(a, b) on broadcast operands of one type. */
function binary(op: string, type: ElementType, to: ElementType = type, attributes = {}, opset = 18) {
  return typedModel(opset, { a: [type, [2, 3, 7]], b: [type, [3, 1]] }, { y: [to, [2, 3, 7]] }, (m) =>
    m.node(op, ["a", "b"], ["y"], attributes),
  );
}

function unary(
  op: string,
  type: ElementType,
  to: ElementType = type,
  attributes: Record<string, AttributeInput> = {},
) {
  return typedModel(18, { x: [type, [2, 30]] }, { y: [to, [2, 30]] }, (m) =>
    m.node(op, ["x"], ["y"], attributes),
  );
}

type Case = readonly [string, { model: Uint8Array; specs: ReturnType<typeof unary>["specs"] }];

const cases: Case[] = [
  ...INTEGERS.flatMap((type): Case[] => [
    ..."Add Sub Mul Max Min Div Mod".split(" ").map((op): Case => [`${op} ${type}`, binary(op, type)]),
    ..."Equal Less Greater LessOrEqual GreaterOrEqual"
      .split(" ")
      .map((op): Case => [`${op} ${type}`, binary(op, type, "bool")]),
    [`Mod ${type} fmod`, binary("Mod", type, type, { fmod: 1 })],
    [`Cast ${type} to f32`, unary("Cast", type, "f32", { to: ELEMENT_TYPES.f32.code })],
    [`Cast ${type} to bool`, unary("Cast", type, "bool", { to: ELEMENT_TYPES.bool.code })],
    ...INTEGERS.map(
      (to): Case => [`Cast ${type} to ${to}`, unary("Cast", type, to, { to: ELEMENT_TYPES[to].code })],
    ),
    [
      `Where ${type}`,
      typedModel(16, { c: ["bool", [3, 7]], a: [type, [7]], b: [type, [3, 1]] }, { y: [type, [3, 7]] }, (m) =>
        m.node("Where", ["c", "a", "b"], ["y"]),
      ),
    ],
    [
      `Clip ${type}`,
      typedModel(13, { x: [type, [20]], low: [type, []] }, { y: [type, [20]] }, (m, random) => {
        m.initializer("high", randomIntegers(random, type, [], 3, 3));
        m.node("Clip", ["x", "low", "high"], ["y"]);
      }),
    ],
  ]),
  ...(["i8", ...CALCULATING] as const).flatMap((type): Case[] =>
    "Neg Abs Sign".split(" ").map((op): Case => [`${op} ${type}`, unary(op, type)]),
  ),
  ...CALCULATING.flatMap((type): Case[] => [
    [`Pow ${type}`, binary("Pow", type)],
    [
      `Div ${type} by constants`,
      typedModel(14, { a: [type, [4, 6]] }, { y: [type, [4, 6]] }, (m, random) => {
        m.initializer("b", randomIntegers(random, type, [6], 2, 9)).node("Div", ["a", "b"], ["y"]);
      }),
    ],
    [`Cast f32 to ${type}`, unary("Cast", "f32", type, { to: ELEMENT_TYPES[type].code })],
  ]),
  ["Cast f32 to u8", unary("Cast", "f32", "u8", { to: ELEMENT_TYPES.u8.code })],
  ["Cast f32 to i8", unary("Cast", "f32", "i8", { to: ELEMENT_TYPES.i8.code })],
  ["Cast f32 to bool", unary("Cast", "f32", "bool", { to: ELEMENT_TYPES.bool.code })],
  ["Cast bool to f32", unary("Cast", "bool", "f32", { to: ELEMENT_TYPES.f32.code })],
  ["Cast bool to i64", unary("Cast", "bool", "i64", { to: ELEMENT_TYPES.i64.code })],
  ["Not", unary("Not", "bool")],
  ..."And Or Xor Equal".split(" ").map((op): Case => [`${op} of bools`, binary(op, "bool")]),
  [
    "Where of bools",
    typedModel(16, { c: ["bool", [5]], a: ["bool", [5]], b: ["bool", [5]] }, { y: ["bool", [5]] }, (m) =>
      m.node("Where", ["c", "a", "b"], ["y"]),
    ),
  ],
  [
    "Where of floats",
    typedModel(16, { c: ["bool", [5]], a: ["f32", [3, 5]], b: ["f32", [5]] }, { y: ["f32", [3, 5]] }, (m) =>
      m.node("Where", ["c", "a", "b"], ["y"]),
    ),
  ],
  ["IsNaN", unary("IsNaN", "f32", "bool")],
  ["IsInf", unary("IsInf", "f32", "bool")],
  ["IsInf of one sign", unary("IsInf", "f32", "bool", { detect_negative: 0 })],
  ..."Less LessOrEqual Equal Greater GreaterOrEqual"
    .split(" ")
    .map((op): Case => [`${op} of floats`, binary(op, "f32", "bool")]),
  ..."Abs Neg Sign".split(" ").map((op): Case => [`${op} of floats`, unary(op, "f32")]),
  ..."Min Max Div".split(" ").map((op): Case => [`${op} of floats`, binary(op, "f32")]),
  [
    "Max of three",
    typedModel(13, { a: ["i64", [4]], b: ["i64", [4]], c: ["i64", [2, 1]] }, { y: ["i64", [2, 4]] }, (m) =>
      m.node("Max", ["a", "b", "c"], ["y"]),
    ),
  ],
  [
    "a bool input read twice, and an output that is a constant",
    typedModel(13, { a: ["bool", [4]] }, { y: ["bool", [4]], z: ["i64", [2]] }, (m) => {
      m.initializer("k", { type: "i64", dims: [2], data: BigInt64Array.of(3n, -4n) });
      m.node("Not", ["a"], ["n"]).node("And", ["n", "a"], ["y"]).node("Identity", ["k"], ["z"]);
    }),
  ],
];

describe("integer and logic operators: onnxruntime and the program byte for byte, and what the source model gives", () => {
  test.each(cases)("%s", async (_, { model, specs }) => {
    const { manifest } = await compileAndCompare(model, specs);
    expect(manifest.accuracy.cosineMin).toBeGreaterThan(0.9999999);
  });
});
