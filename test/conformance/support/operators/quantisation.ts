import type { Random } from "../../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import { caseOf, elementwise, floatImm, host, OPSET, type OperatorCase, quantiseTo, scalar } from "./case.ts";
import { byteValues, floatValues, intValues, scaleValue, zeroPoint } from "./values.ts";

export function quantizeLinear(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8"] as const);
  const count = random.int(1, 200);
  const scale = scaleValue(random);
  const zero = zeroPoint(random, type);
  const x = host("f32", [count], floatValues(random, count, scale));
  const model = new ModelBuilder(OPSET)
    .input("x", "f32", [count])
    .initializer("s", scalar("f32", scale))
    .initializer("z", scalar(type, zero))
    .node("QuantizeLinear", ["x", "s", "z"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    ["f32"],
    [
      ["load", 0],
      ["float", 0, 0, floatImm(scale)],
      ["fdiv", 0, 1],
      ["int", 0, 0, zero],
      [quantiseTo(type), 2, 3],
    ],
  );
  return caseOf(`QuantizeLinear ${type}, scale ${scale}, zero ${zero}`, model, { x }, instruction);
}

export function dequantizeLinear(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8", "i32"] as const);
  const count = random.int(1, 200);
  const scale = scaleValue(random);
  // onnxruntime allows no zero point but 0 for int32.
  const zero = type === "i32" ? 0 : zeroPoint(random, type);
  const x = host(type, [count], type === "i32" ? intValues(random, count) : byteValues(random, type, count));
  const model = new ModelBuilder(OPSET)
    .input("x", type, [count])
    .initializer("s", scalar("f32", scale))
    .initializer("z", scalar(type, zero))
    .node("DequantizeLinear", ["x", "s", "z"], ["y"])
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    [type],
    [
      ["load", 0],
      ["int", 0, 0, zero],
      ["isub", 0, 1],
      ["tofloat", 2],
      ["float", 0, 0, floatImm(scale)],
      ["fmul", 3, 4],
    ],
  );
  return caseOf(`DequantizeLinear ${type}, scale ${scale}, zero ${zero}`, model, { x }, instruction);
}

export function residualAdd(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8"] as const);
  const count = random.int(1, 200);
  const [as, bs] = [scaleValue(random), scaleValue(random)];
  const ys = random.pick([as, bs, scaleValue(random), Math.fround(as * 2)]);
  const [az, bz, yz] = [zeroPoint(random, type), zeroPoint(random, type), zeroPoint(random, type)];
  const a = host(type, [count], byteValues(random, type, count));
  const b = host(type, [count], byteValues(random, type, count));
  const model = new ModelBuilder(OPSET).input("a", type, [count]).input("b", type, [count]);
  for (const [name, scale, zero] of [
    ["a", as, az],
    ["b", bs, bz],
    ["y", ys, yz],
  ] as const) {
    model.initializer(`${name}s`, scalar("f32", scale)).initializer(`${name}z`, scalar(type, zero));
  }
  model
    .node("DequantizeLinear", ["a", "as", "az"], ["da"])
    .node("DequantizeLinear", ["b", "bs", "bz"], ["db"])
    .node("Add", ["da", "db"], ["sum"])
    .node("QuantizeLinear", ["sum", "ys", "yz"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    [type, type],
    [
      ["load", 0],
      ["int", 0, 0, az],
      ["isub", 0, 1],
      ["tofloat", 2],
      ["float", 0, 0, floatImm(as)],
      ["fmul", 3, 4],
      ["load", 1],
      ["int", 0, 0, bz],
      ["isub", 6, 7],
      ["tofloat", 8],
      ["float", 0, 0, floatImm(bs)],
      ["fmul", 9, 10],
      ["fadd", 5, 11],
      ["float", 0, 0, floatImm(ys)],
      ["fdiv", 12, 13],
      ["int", 0, 0, yz],
      [quantiseTo(type), 14, 15],
    ],
  );
  return caseOf(`residual Add ${type}, scales ${as} ${bs} ${ys}`, model, { a, b }, instruction);
}
