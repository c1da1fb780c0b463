import { describe, expect, test } from "vitest";
import { ModelBuilder } from "../../onnx/build.ts";
import { importModel } from "../../onnx/import.ts";
import { compileAndCompare } from "../../testing/compileSmall.ts";
import { observeShapes } from "./observeShapes.ts";
import { findGelus } from "./writtenGelus.ts";

type Write = (model: ModelBuilder) => ModelBuilder;

const DIMS = [2, 5, 7] as const;

function written(write: Write): Uint8Array {
  const model = new ModelBuilder(17).input("x", "f32", DIMS).output("y", "f32", DIMS);
  const constants = {
    half: 0.5,
    one: 1,
    three: 3,
    root: Math.SQRT2,
    inverse: Math.SQRT1_2,
    c: 0.044715,
    s: 0.7978845608,
  };
  for (const [name, value] of Object.entries(constants))
    model.initializer(name, { type: "f32", dims: [], data: Float32Array.of(value) });
  return write(model).encode();
}

const byErf: Write = (model) =>
  model
    .node("Div", ["x", "root"], ["a"])
    .node("Erf", ["a"], ["b"])
    .node("Add", ["b", "one"], ["c1"])
    .node("Mul", ["x", "c1"], ["d"])
    .node("Mul", ["d", "half"], ["y"]);

const halfFirst: Write = (model) =>
  model
    .node("Mul", ["inverse", "x"], ["a"])
    .node("Erf", ["a"], ["b"])
    .node("Add", ["one", "b"], ["c1"])
    .node("Mul", ["half", "x"], ["d"])
    .node("Mul", ["c1", "d"], ["y"]);

const byTanh: Write = (model) =>
  model
    .node("Pow", ["x", "three"], ["a"])
    .node("Mul", ["a", "c"], ["b"])
    .node("Add", ["x", "b"], ["c1"])
    .node("Mul", ["c1", "s"], ["d"])
    .node("Tanh", ["d"], ["e"])
    .node("Add", ["e", "one"], ["f"])
    .node("Mul", ["x", "half"], ["g"])
    .node("Mul", ["g", "f"], ["y"]);

const withoutHalf: Write = (model) =>
  model
    .node("Div", ["x", "root"], ["a"])
    .node("Erf", ["a"], ["b"])
    .node("Add", ["b", "one"], ["c1"])
    .node("Mul", ["x", "c1"], ["y"]);

async function gelusOf(write: Write) {
  const graph = importModel(written(write));
  const { types } = await observeShapes(graph);
  return findGelus(graph, types).nodes.filter(({ op }) => op === "Gelu");
}

describe("findGelus", () => {
  test.each([
    ["by Erf", byErf, "none"],
    ["by Erf with the half in front", halfFirst, "none"],
    ["by Tanh", byTanh, "tanh"],
  ] as const)("%s", async (_, write, approximate) => {
    const [gelu, ...others] = await gelusOf(write);
    expect(others).toEqual([]);
    expect(gelu?.inputs).toEqual(["x"]);
    expect(gelu?.outputs).toEqual(["y"]);
    expect(gelu?.attributes.get("approximate")).toEqual({ kind: "string", value: approximate });
  });

  test("leaves what is something else", async () => {
    expect(await gelusOf(withoutHalf)).toEqual([]);
  });
});

test.each([
  ["by Erf", byErf],
  ["by Tanh", byTanh],
] as const)("a GELU written out %s, behind a sum, is as exact as the float model", async (_, write) => {
  const bundle = await compileAndCompare(written(write), [{ name: "x", dtype: "f32", shape: [...DIMS] }]);
  expect(bundle.manifest.accuracy.cosineMin).toBeGreaterThan(0.999999);
});
