import type { Random } from "../../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import type { Instruction } from "../../../../engine/src/program/instruction.ts";
import { caseOf, elementwise, host, OPSET, type OperatorCase, operand, scalar } from "./case.ts";
import { longs, longValues } from "./integers.ts";
import { byteValues, floatValues, intValues } from "./values.ts";
import { randomWindow, seesPicture, windowAttributes } from "./window.ts";

/** ReduceSum over the middle dimension of int32. */
export function reduceSum(random: Random): OperatorCase {
  const [a, n, b] = [random.int(1, 4), random.int(1, 60), random.int(1, 5)];
  // onnxruntime's int32 ReduceSum does not wrap (it saturated in 1.30.0): only sums that fit are the profile's.
  const most = Math.floor((2 ** 31 - 1) / n);
  const values = Array.from({ length: a * n * b }, () => random.pick([most, -most, random.int(-most, most)]));
  const x = host("i32", [a, n, b], values);
  const model = new ModelBuilder(OPSET)
    .input("x", "i32", [a, n, b])
    .initializer("axes", { type: "i64", dims: [1], data: BigInt64Array.from([1n]) })
    .node("ReduceSum", ["x", "axes"], ["y"], { keepdims: 0 })
    .output("y", "i32", [a, b]);
  const instruction: Instruction = {
    ...elementwise("i32", 1, [], [["acc"]]),
    accumulate: "sum",
    outDims: [a, b],
    reduceDims: [n],
    operands: [operand("i32", a * n * b, 0, { out: [n * b, 1], reduce: [b] })],
  };
  return caseOf(`ReduceSum ${a}x${n}x${b}`, model, { x }, instruction);
}

export function maxPool(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8"] as const);
  let window = randomWindow(random, 7);
  while (!seesPicture(window)) window = randomWindow(random, 7);
  const { height: h, width: w, kernel, strides, dilations, pads, outHeight, outWidth } = window;
  const c = random.int(1, 4);
  const x = host(type, [1, c, h, w], byteValues(random, type, c * h * w));
  const model = new ModelBuilder(OPSET)
    .input("x", type, [1, c, h, w])
    .node("MaxPool", ["x"], ["y"], windowAttributes(window))
    .output("y", type, [1, c, outHeight, outWidth]);
  const instruction: Instruction = {
    ...elementwise(type, 1, [], [["acc"]]),
    accumulate: "max",
    outDims: [c, outHeight, outWidth],
    reduceDims: [...kernel],
    operands: [
      operand(type, c * h * w, 0, {
        offset: -pads[0] * w - pads[1],
        out: [h * w, strides[0] * w, strides[1]],
        reduce: [dilations[0] * w, dilations[1]],
        bounds: [
          { limit: h, offset: -pads[0], out: [0, strides[0], 0], reduce: [dilations[0], 0] },
          { limit: w, offset: -pads[1], out: [0, 0, strides[1]], reduce: [0, dilations[1]] },
        ],
      }),
    ],
  };
  return caseOf(`MaxPool ${type} ${JSON.stringify(window)}`, model, { x }, instruction);
}

/** ReduceSum of i64, ReduceMax and ReduceMin of i32 and, with +0.0 added, of f32, over the middle dimension. */
export function reduction(random: Random): OperatorCase {
  const [op, accumulate, type] = random.pick([
    ["ReduceSum", "sum", "i64"],
    ["ReduceMax", "max", "i32"],
    ["ReduceMin", "min", "i32"],
    ["ReduceMax", "max", "f32"],
    ["ReduceMin", "min", "f32"],
  ] as const);
  const dims = [random.int(1, 4), random.int(1, 60), random.int(1, 5)] as const;
  const [a, n, b] = dims;
  const count = a * n * b;
  const x =
    type === "i64"
      ? // onnxruntime sums in doubles: sums within 2^53 are the profile's.
        longs(
          longValues(random, count).map((value) => value >> 17n),
          dims,
        )
      : host(type, dims, type === "f32" ? floatValues(random, count) : intValues(random, count));
  const model = new ModelBuilder(OPSET).input("x", type, [...dims]);
  if (op === "ReduceSum") {
    model
      .initializer("axes", { type: "i64", dims: [1], data: BigInt64Array.from([1n]) })
      .node(op, ["x", "axes"], ["y"], { keepdims: 0 });
  } else if (type === "f32") {
    model
      .initializer("zero", scalar("f32", 0))
      .node(op, ["x"], ["extremum"], { axes: [1], keepdims: 0 })
      .node("Add", ["extremum", "zero"], ["y"]);
  } else model.node(op, ["x"], ["y"], { axes: [1], keepdims: 0 });
  model.output("y", type, [a, b]);
  const instruction: Instruction = {
    ...elementwise(type, 1, [], [["acc"]]),
    accumulate,
    outDims: [a, b],
    reduceDims: [n],
    operands: [operand(type, count, 0, { out: [n * b, 1], reduce: [b] })],
  };
  return caseOf(`${op} ${type} ${dims}`, model, { x }, instruction);
}
