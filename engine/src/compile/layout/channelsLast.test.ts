import { describe, expect, test } from "vitest";
import { importModel } from "../../onnx/import.ts";
import { compileAndCompare, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import { movedSource } from "./channelsLast.ts";

describe("channelsLast", () => {
  test("two convolutions with a pool and a residual sum between them are transposed once before and once after", async () => {
    const { model, specs } = smallModel(13, { x: [1, 3, 9, 8] }, { y: [1, 4, 4, 4] }, (m, random) => {
      m.initializer("w1", randomTensor(random, [4, 3, 3, 3])).initializer(
        "w2",
        randomTensor(random, [4, 1, 3, 3]),
      );
      m.initializer("c", randomTensor(random, [4, 1, 1]));
      m.node("Conv", ["x", "w1"], ["a"], { pads: [1, 1, 1, 1] });
      m.node("Relu", ["a"], ["b"]);
      m.node("MaxPool", ["b"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] });
      m.node("Conv", ["p", "w2"], ["d"], { pads: [1, 1, 1, 1], group: 4 });
      m.node("Add", ["d", "p"], ["e"]);
      m.node("Mul", ["e", "c"], ["y"]);
    });
    const bundle = await compileAndCompare(model, specs);
    const ops = importModel(bundle.graph).nodes.map(({ op, domain }) => `${domain}${domain && "."}${op}`);
    expect(ops.filter((op) => op === "Transpose")).toHaveLength(2);
    expect(ops).toContain("com.microsoft.QLinearConv");
    expect(ops).toContain("com.microsoft.NhwcMaxPool");
    expect(ops).not.toContain("QLinearConv");
  });

  test("a signal of one dimension keeps its channels last too", async () => {
    const { model, specs } = smallModel(13, { x: [2, 3, 9] }, { y: [2, 5, 9] }, (m, random) => {
      m.initializer("w1", randomTensor(random, [4, 3, 3])).initializer("w2", randomTensor(random, [5, 4, 1]));
      m.node("Conv", ["x", "w1"], ["a"], { pads: [1, 1] });
      m.node("Conv", ["a", "w2"], ["y"]);
    });
    const bundle = await compileAndCompare(model, specs);
    expect(importModel(bundle.graph).nodes.filter(({ op }) => op === "Transpose")).toHaveLength(2);
  });

  test("movedSource finds a tensor whose dimensions were cut into axes", () => {
    const source = { tensor: "t", shape: [2, 2, 3, 4, 5], permutation: [0, 3, 4, 1, 2] };
    expect(movedSource(source, "t/last", [2, 6, 4, 5])).toEqual({
      tensor: "t/last",
      shape: [2, 4, 5, 2, 3],
      permutation: [0, 1, 2, 3, 4],
    });
  });
});
