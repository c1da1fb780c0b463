import type { Random } from "../../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import { caseOf, elementwise, host, OPSET, type OperatorCase, scalar } from "./case.ts";
import { byteValues, floatValues, intValues, scaleValue } from "./values.ts";

/** i32 and f32 arithmetic, element by element. */
export function arithmetic(random: Random): OperatorCase {
  const [op, type, code] = random.pick([
    ["Add", "i32", "iadd"],
    ["Sub", "i32", "isub"],
    ["Mul", "i32", "imul"],
    ["Max", "i32", "imax"],
    ["Min", "i32", "imin"],
    ["Add", "f32", "fadd"],
    ["Sub", "f32", "fsub"],
    ["Mul", "f32", "fmul"],
    ["Div", "f32", "fdiv"],
  ] as const);
  const count = random.int(1, 300);
  const values = () =>
    host(
      type,
      [count],
      type === "i32" ? intValues(random, count) : floatValues(random, count, scaleValue(random)),
    );
  const [a, b] = [values(), values()];
  const model = new ModelBuilder(OPSET)
    .input("a", type, [count])
    .input("b", type, [count])
    .node(op, ["a", "b"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
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

export function castToFloat(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8", "i32", "i32"] as const);
  const count = random.int(1, 200);
  const x = host(type, [count], type === "i32" ? intValues(random, count) : byteValues(random, type, count));
  const model = new ModelBuilder(OPSET)
    .input("x", type, [count])
    .node("Cast", ["x"], ["y"], { to: 1 })
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    [type],
    [
      ["load", 0],
      ["tofloat", 0],
    ],
  );
  return caseOf(`Cast ${type} to f32`, model, { x }, instruction);
}

export function clip(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8", "i32"] as const);
  const count = random.int(1, 200);
  const values = type === "i32" ? intValues(random, count) : byteValues(random, type, count);
  const [low, high] = [random.pick(values), random.pick(values)].sort((a, b) => a - b) as [number, number];
  const x = host(type, [count], values);
  const model = new ModelBuilder(OPSET)
    .input("x", type, [count])
    .initializer("low", scalar(type, low))
    .initializer("high", scalar(type, high))
    .node("Clip", ["x", "low", "high"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    [type],
    [
      ["load", 0],
      ["int", 0, 0, low],
      ["imax", 0, 1],
      ["int", 0, 0, high],
      ["imin", 2, 3],
    ],
  );
  return caseOf(`Clip ${type} to ${low}..${high}`, model, { x }, instruction);
}
