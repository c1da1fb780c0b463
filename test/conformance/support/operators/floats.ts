import type { Random } from "../../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import type { Opcode } from "../../../../engine/src/program/instruction.ts";
import { bytesOf, caseOf, elementwise, floatImm, host, OPSET, type OperatorCase, scalar } from "./case.ts";
import { floatValues, intValues, scaleValue } from "./values.ts";

/** Sqrt, Floor, Ceil, Round, Abs of f32. */
export function floatFunction(random: Random): OperatorCase {
  const [op, code] = random.pick([
    ["Sqrt", "fsqrt"],
    ["Floor", "ffloor"],
    ["Ceil", "fceil"],
    ["Round", "fround"],
    ["Abs", "fabs"],
  ] as const satisfies readonly (readonly [string, Opcode])[]);
  const count = random.int(1, 300);
  const x = host("f32", [count], floatValues(random, count, scaleValue(random)));
  const model = new ModelBuilder(OPSET)
    .input("x", "f32", [count])
    .node(op, ["x"], ["y"])
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    ["f32"],
    [
      ["load", 0],
      [code, 0],
    ],
  );
  return { what: op, model: model.encode(), feeds: { x }, instruction, tensors: [bytesOf(x)] };
}

/** Max and Min of f32 with +0.0 added, which is what makes the sign of a zero the profile's. */
export function floatExtremum(random: Random): OperatorCase {
  const [op, code] = random.pick([
    ["Max", "fmax"],
    ["Min", "fmin"],
  ] as const);
  const count = random.int(1, 300);
  const values = () => host("f32", [count], floatValues(random, count, random.pick([1, 1e-30])));
  const [a, b] = [values(), values()];
  const model = new ModelBuilder(OPSET)
    .input("a", "f32", [count])
    .input("b", "f32", [count])
    .initializer("zero", scalar("f32", 0))
    .node(op, ["a", "b"], ["extremum"])
    .node("Add", ["extremum", "zero"], ["y"])
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    ["f32", "f32"],
    [
      ["load", 0],
      ["load", 1],
      [code, 0, 1],
    ],
  );
  return {
    what: `${op} f32`,
    model: model.encode(),
    feeds: { a, b },
    instruction,
    tensors: [bytesOf(a), bytesOf(b)],
  };
}

/** Where(Less or Equal of a and b, a, c) of f32, + 0.0: onnxruntime's Where makes +0 of -0 in its second argument and keeps it in its third. */
export function floatChoice(random: Random): OperatorCase {
  const [op, code] = random.pick([
    ["Less", "flt"],
    ["Equal", "feq"],
  ] as const);
  const count = random.int(1, 300);
  const values = () => host("f32", [count], floatValues(random, count));
  const a = values();
  // Some of them equal.
  const b = host(
    "f32",
    [count],
    (a.data as Float32Array).map((value) => (random.chance(0.3) ? value : random.int(-300, 300) / 2)),
  );
  const c = values();
  const model = new ModelBuilder(OPSET)
    .input("a", "f32", [count])
    .input("b", "f32", [count])
    .input("c", "f32", [count])
    .node(op, ["a", "b"], ["condition"])
    .initializer("zero", scalar("f32", 0))
    .node("Where", ["condition", "a", "c"], ["chosen"])
    .node("Add", ["chosen", "zero"], ["y"])
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    ["f32", "f32", "f32"],
    [["load", 0], ["load", 1], ["load", 2], [code, 0, 1], ["select", 3, 0, 2], ["float"], ["fadd", 4, 5]],
  );
  return caseOf(`Where ${op}`, model, { a, b, c }, instruction);
}

/** Cast of f32 to int32, clipped to what int32 holds as a graph must: a cast out of range differs from processor to processor. */
export function castToInt(random: Random): OperatorCase {
  const [low, high] = [-(2 ** 31), 2147483520];
  const count = random.int(1, 200);
  const x = host("f32", [count], floatValues(random, count, random.pick([1, 1e5, 1e30])));
  const model = new ModelBuilder(OPSET)
    .input("x", "f32", [count])
    .initializer("low", scalar("f32", low))
    .initializer("high", scalar("f32", high))
    .node("Clip", ["x", "low", "high"], ["clipped"])
    .node("Cast", ["clipped"], ["y"], { to: 6 })
    .output("y", "i32", [count]);
  const instruction = elementwise(
    "i32",
    count,
    ["f32"],
    [
      ["load", 0],
      ["float", 0, 0, floatImm(low)],
      ["fmax", 0, 1],
      ["float", 0, 0, floatImm(high)],
      ["fmin", 2, 3],
      ["toint", 4],
    ],
  );
  return caseOf("Clip, Cast to i32", model, { x }, instruction);
}

/** Gather along the only axis of a table, by i32 indices within it. */
export function gather(random: Random): OperatorCase {
  const type = random.pick(["f32", "i32"] as const);
  const [size, count] = [random.int(1, 300), random.int(1, 200)];
  const table = host(type, [size], type === "f32" ? floatValues(random, size) : intValues(random, size));
  const indices = host(
    "i32",
    [count],
    Array.from({ length: count }, () => random.pick([0, size - 1, random.int(0, size - 1)])),
  );
  const model = new ModelBuilder(OPSET)
    .input("table", type, [size])
    .input("indices", "i32", [count])
    .node("Gather", ["table", "indices"], ["y"], { axis: 0 })
    .output("y", type, [count]);
  const map = { offset: 0, out: [0], reduce: [] };
  const base = elementwise(
    type,
    count,
    ["i32"],
    [
      ["load", 0],
      ["loadat", 1, 0],
    ],
  );
  const instruction = {
    ...base,
    operands: [
      ...base.operands,
      { space: "input" as const, dtype: type, index: 1, elements: size, map, bounds: [] },
    ],
  };
  return {
    what: `Gather ${type} of ${size}`,
    model: model.encode(),
    feeds: { table, indices },
    instruction,
    tensors: [bytesOf(indices), bytesOf(table)],
  };
}
