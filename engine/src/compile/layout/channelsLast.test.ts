import { describe, expect, test } from "vitest";
import { importModel } from "../../onnx/import.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
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

  test("a Resize and a shuffle of channels into places go on channels-last", async () => {
    const { model, specs } = smallModel(13, { x: [1, 3, 5, 4] }, { y: [1, 2, 20, 16] }, (m, random) => {
      m.initializer("w1", randomTensor(random, [8, 3, 1, 1])).initializer(
        "w2",
        randomTensor(random, [2, 2, 3, 3]),
      );
      m.initializer("scales", { type: "f32", dims: [4], data: Float32Array.of(1, 1, 2, 2) });
      m.initializer("cut", i64Tensor([1, 2, 2, 2, 10, 8])).initializer("joined", i64Tensor([1, 2, 20, 16]));
      m.node("Conv", ["x", "w1"], ["a"]).node("Resize", ["a", "", "scales"], ["b"], {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      });
      m.node("Relu", ["b"], ["c"]).node("Reshape", ["c", "cut"], ["d"]);
      m.node("Transpose", ["d"], ["e"], { perm: [0, 1, 4, 2, 5, 3] }).node("Reshape", ["e", "joined"], ["f"]);
      m.node("Conv", ["f", "w2"], ["y"], { pads: [1, 1, 1, 1] });
    });
    const bundle = await compileAndCompare(model, specs);
    // Before, after, and the shuffle itself.
    expect(importModel(bundle.graph).nodes.filter(({ op }) => op === "Transpose")).toHaveLength(3);
  });

  test("an image of one channel keeps its order where numbers are broadcast to it", async () => {
    const { model, specs } = smallModel(13, { x: [1, 3, 5, 4] }, { y: [1, 1, 5, 4] }, (m, random) => {
      m.initializer("w", randomTensor(random, [1, 3, 1, 1])).initializer("c", randomTensor(random, []));
      // Behind Abs, so that the convolution does not take the factor into its weights.
      m.node("Conv", ["x", "w"], ["a"]).node("Abs", ["a"], ["b"]).node("Mul", ["b", "c"], ["y"]);
    });
    const bundle = await compileAndCompare(model, specs);
    const mul = importModel(bundle.graph).nodes.find(({ op }) => op === "Mul");
    expect(mul?.inputs.some((name) => name.endsWith("/last"))).toBe(false);
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
