import { describe, expect, test } from "vitest";
import type { AttributeInput, ModelBuilder } from "../onnx/build.ts";
import { i64Tensor } from "../onnx/tensor.ts";
import { compileAndCompare, randomTensor, smallModel } from "../testing/compileSmall.ts";

type Body = (model: ModelBuilder, random: () => number) => void;

/** A model x -> y. */
function model(input: readonly number[], output: readonly number[], body: Body, opset = 13) {
  return smallModel(opset, { x: input }, { y: output }, body);
}

function conv(filter: readonly number[], attributes: Record<string, AttributeInput>, bias = true): Body {
  return (m, random) => {
    m.initializer("w", randomTensor(random, filter));
    if (bias) m.initializer("b", randomTensor(random, [filter[0] as number]));
    m.node("Conv", bias ? ["x", "w", "b"] : ["x", "w"], ["y"], attributes);
  };
}

const pads = [1, 1, 1, 1];
const cases: Record<string, ReturnType<typeof model>> = {
  Conv: model([1, 3, 7, 6], [1, 5, 7, 6], conv([5, 3, 3, 3], { pads })),
  "Conv without bias, strided, uneven pads": model(
    [2, 3, 9, 8],
    [2, 4, 5, 4],
    conv([4, 3, 3, 3], { pads: [1, 0, 1, 1], strides: [2, 2] }, false),
  ),
  "Conv 1x1": model([1, 8, 4, 4], [1, 6, 4, 4], conv([6, 8, 1, 1], {})),
  "Conv in groups, dilated": model(
    [1, 6, 9, 9],
    [1, 4, 9, 9],
    conv([4, 3, 3, 3], { group: 2, dilations: [2, 2], pads: [2, 2, 2, 2] }),
  ),
  "Conv depthwise": model([1, 6, 8, 8], [1, 6, 8, 8], conv([6, 1, 3, 3], { group: 6, pads })),
  "Conv SAME_UPPER": model(
    [1, 2, 7, 7],
    [1, 3, 4, 4],
    conv([3, 2, 4, 4], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  ),
  "Conv SAME_LOWER": model(
    [1, 2, 7, 7],
    [1, 3, 4, 4],
    conv([3, 2, 4, 4], { auto_pad: "SAME_LOWER", strides: [2, 2] }),
  ),
  "Conv VALID": model([1, 2, 7, 7], [1, 3, 4, 4], conv([3, 2, 4, 4], { auto_pad: "VALID" })),
  "Conv 1D": model([2, 4, 11], [2, 5, 11], conv([5, 4, 3], { pads: [1, 1] })),
  "Conv of one channel to one": model([1, 1, 5, 5], [1, 1, 3, 3], conv([1, 1, 3, 3], {})),
  "Conv of one channel, strided, dilated, uneven pads": model(
    [2, 1, 9, 8],
    [2, 6, 4, 4],
    conv([6, 1, 3, 3], { pads: [1, 2, 2, 1], strides: [2, 2], dilations: [2, 2] }),
  ),
  "Conv 1D of one channel without bias": model(
    [2, 1, 11],
    [2, 5, 11],
    conv([5, 1, 5], { pads: [2, 2] }, false),
  ),
  "Conv, Add, BatchNormalization, Relu in one instruction": model([1, 3, 6, 6], [1, 4, 6, 6], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 3, 3, 3])).initializer(
      "c",
      randomTensor(random, [1, 4, 1, 1]),
    );
    for (const name of ["gamma", "beta", "mean"]) m.initializer(name, randomTensor(random, [4]));
    m.initializer("variance", randomTensor(random, [4], 0.5, 2));
    m.node("Conv", ["x", "w"], ["1"], { pads }).node("Add", ["c", "1"], ["2"]);
    m.node("BatchNormalization", ["2", "gamma", "beta", "mean", "variance"], ["3"]).node(
      "Relu",
      ["3"],
      ["y"],
    );
  }),
  "Gemm transB, alpha, beta": model([3, 5], [3, 4], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 5])).initializer("b", randomTensor(random, [4]));
    m.node("Gemm", ["x", "w", "b"], ["y"], { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } });
  }),
  "Gemm, Relu, Gemm": model([2, 6], [2, 3], (m, random) => {
    m.initializer("w", randomTensor(random, [6, 8])).initializer("b", randomTensor(random, [8]));
    m.initializer("v", randomTensor(random, [8, 3])).initializer("c", randomTensor(random, [1, 3]));
    m.node("Gemm", ["x", "w", "b"], ["1"]).node("Relu", ["1"], ["2"]).node("Gemm", ["2", "v", "c"], ["y"]);
  }),
  "MatMul of three dimensions": model([2, 3, 5], [2, 3, 4], (m, random) => {
    m.initializer("w", randomTensor(random, [5, 4])).node("MatMul", ["x", "w"], ["y"]);
  }),
  "MatMul whose f32 result is read again": model([2, 6], [2, 6], (m, random) => {
    m.initializer("w", randomTensor(random, [6, 6]));
    m.node("MatMul", ["x", "w"], ["1"]).node("Add", ["1", "x"], ["y"]);
  }),
  "Conv, MaxPool, Flatten, Gemm": model([2, 3, 8, 8], [2, 5], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 3, 3, 3])).initializer("v", randomTensor(random, [64, 5]));
    m.node("Conv", ["x", "w"], ["1"], { pads }).node("Relu", ["1"], ["2"]);
    m.node("MaxPool", ["2"], ["3"], { kernel_shape: [2, 2], strides: [2, 2] });
    m.node("Flatten", ["3"], ["4"]).node("Gemm", ["4", "v"], ["y"]);
  }),
  "MaxPool padded": model([1, 3, 7, 7], [1, 3, 4, 4], (m) => {
    m.node("MaxPool", ["x"], ["y"], { kernel_shape: [3, 3], strides: [2, 2], pads });
  }),
  "MaxPool that Conv and Add read": model([1, 4, 8, 8], [1, 4, 4, 4], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 4, 1, 1])).node("Sigmoid", ["x"], ["0"]);
    m.node("MaxPool", ["0"], ["1"], { kernel_shape: [2, 2], strides: [2, 2] });
    m.node("Conv", ["1", "w"], ["2"]).node("Add", ["1", "2"], ["y"]);
  }),
  "MaxPool ceil_mode, dilated": model([1, 2, 8, 8], [1, 2, 4, 4], (m) => {
    m.node("MaxPool", ["x"], ["y"], {
      kernel_shape: [2, 2],
      strides: [2, 2],
      dilations: [2, 2],
      ceil_mode: 1,
    });
  }),
  "MaxPool 1D": model([1, 3, 9], [1, 3, 4], (m) =>
    m.node("MaxPool", ["x"], ["y"], { kernel_shape: [3], strides: [2] }),
  ),
  "AveragePool without padding": model([1, 3, 6, 6], [1, 3, 3, 3], (m) => {
    m.node("AveragePool", ["x"], ["y"], { kernel_shape: [2, 2], strides: [2, 2] });
  }),
  "AveragePool count_include_pad": model([1, 3, 6, 5], [1, 3, 6, 5], (m) => {
    m.node("AveragePool", ["x"], ["y"], { kernel_shape: [3, 3], pads, count_include_pad: 1 });
  }),
  "AveragePool count_include_pad, the kernel as wide as the one channel": model(
    [1, 1, 5, 5],
    [1, 1, 5, 5],
    (m) => {
      m.node("AveragePool", ["x"], ["y"], { kernel_shape: [5, 5], pads: [2, 2, 2, 2], count_include_pad: 1 });
    },
  ),
  "AveragePool that leaves the padding out": model([2, 3, 6, 5], [2, 3, 6, 5], (m) => {
    m.node("AveragePool", ["x"], ["y"], { kernel_shape: [3, 3], pads });
  }),
  "AveragePool ceil_mode": model([1, 3, 7, 7], [1, 3, 4, 4], (m) => {
    m.node("AveragePool", ["x"], ["y"], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 });
  }),
  "AveragePool 1D": model([1, 3, 9], [1, 3, 5], (m) => {
    m.node("AveragePool", ["x"], ["y"], { kernel_shape: [3], strides: [2], pads: [1, 1] });
  }),
  "GlobalAveragePool, Flatten, Gemm": model([1, 4, 5, 5], [1, 3], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 3]));
    m.node("GlobalAveragePool", ["x"], ["1"]).node("Flatten", ["1"], ["2"]).node("Gemm", ["2", "w"], ["y"]);
  }),
  "residual Add and Relu": model([1, 4, 6, 6], [1, 4, 6, 6], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 4, 3, 3]));
    m.node("Conv", ["x", "w"], ["1"], { pads }).node("Add", ["1", "x"], ["2"]).node("Relu", ["2"], ["y"]);
  }),
  "Add that broadcasts an activation": model([2, 3, 4, 4], [2, 3, 4, 4], (m) => {
    m.node("GlobalAveragePool", ["x"], ["1"]).node("Add", ["1", "x"], ["y"]);
  }),
  "Add of a constant that is no bias": model([1, 3, 4, 4], [1, 3, 4, 4], (m, random) => {
    m.initializer("c", randomTensor(random, [3, 4, 4])).node("Add", ["x", "c"], ["y"]);
  }),
  "Add of a scalar": model([2, 3], [2, 3], (m) => {
    m.initializer("c", { type: "f32", dims: [], data: Float32Array.of(0.3) }).node("Add", ["c", "x"], ["y"]);
  }),
  "Relu that another node bypasses": model([1, 4, 5, 5], [1, 4, 5, 5], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 4, 1, 1]));
    m.node("Conv", ["x", "w"], ["1"]).node("Relu", ["1"], ["2"]).node("Add", ["1", "2"], ["y"]);
  }),
  "Relu alone": model([2, 3], [2, 3], (m) => m.node("Relu", ["x"], ["y"])),
  "BatchNormalization alone": model([2, 3, 4, 4], [2, 3, 4, 4], (m, random) => {
    for (const name of ["gamma", "beta", "mean"]) m.initializer(name, randomTensor(random, [3]));
    m.initializer("variance", randomTensor(random, [3], 0.5, 2));
    m.node("BatchNormalization", ["x", "gamma", "beta", "mean", "variance"], ["y"]);
  }),
  "Reshape back to an image and Conv": model([1, 4, 4, 4], [1, 2, 8, 8], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 4, 1, 1])).initializer("s", i64Tensor([1, 1, 8, 8]));
    m.initializer("v", randomTensor(random, [2, 1, 3, 3]));
    m.node("Conv", ["x", "w"], ["1"])
      .node("Reshape", ["1", "s"], ["2"])
      .node("Conv", ["2", "v"], ["y"], { pads });
  }),
  "Reshape that no strides express": model([1, 6, 2, 2], [4, 6], (m, random) => {
    m.initializer("w", randomTensor(random, [6, 6, 1, 1])).initializer("s", i64Tensor([4, 6]));
    m.node("Conv", ["x", "w"], ["1"]).node("Reshape", ["1", "s"], ["2"]).node("Relu", ["2"], ["y"]);
  }),
  "Transpose, Squeeze, Unsqueeze, Identity, Dropout": model([1, 4, 3, 5], [1, 3, 5, 2], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 2])).initializer("a", i64Tensor([0]));
    m.node("Transpose", ["x"], ["1"], { perm: [0, 2, 3, 1] }).node("Squeeze", ["1", "a"], ["2"]);
    m.node("Identity", ["2"], ["3"]).node("Dropout", ["3"], ["4"]).node("Unsqueeze", ["4", "a"], ["5"]);
    m.node("MatMul", ["5", "w"], ["y"]);
  }),
  "Add of a flattened image to a row": smallModel(
    13,
    { x: [1, 2, 3, 4], z: [1, 24] },
    { y: [1, 24] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [2, 2, 1, 1]));
      m.node("Conv", ["x", "w"], ["1"]).node("Flatten", ["1"], ["2"]).node("Add", ["2", "z"], ["y"]);
    },
  ),
  "Add of two values whose axes cannot be cut alike": smallModel(
    13,
    { x: [1, 6, 2, 2], z: [1, 4, 3, 2] },
    { y: [1, 24] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [6, 6, 1, 1])).initializer(
        "v",
        randomTensor(random, [4, 4, 1, 1]),
      );
      m.node("Conv", ["x", "w"], ["1"]).node("Flatten", ["1"], ["2"]);
      m.node("Conv", ["z", "v"], ["3"]).node("Flatten", ["3"], ["4"]).node("Add", ["2", "4"], ["y"]);
    },
  ),
  "two outputs, one of them read again": smallModel(
    13,
    { x: [1, 4] },
    { y: [1, 9], z: [1, 6] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [4, 9])).initializer("v", randomTensor(random, [9, 6]));
      m.node("MatMul", ["x", "w"], ["y"]).node("Relu", ["y"], ["1"]).node("MatMul", ["1", "v"], ["z"]);
    },
  ),
  "a logit layer seen through Reshape": model([1, 4], [3], (m, random) => {
    m.initializer("w", randomTensor(random, [4, 3])).initializer("s", i64Tensor([3]));
    m.node("MatMul", ["x", "w"], ["1"]).node("Reshape", ["1", "s"], ["y"]);
  }),
  "constants computed from constants": model([1, 4], [1, 2], (m, random) => {
    m.node("Constant", [], ["c"], { value: randomTensor(random, [2, 2, 2]) });
    m.node("Constant", [], ["s"], { value: i64Tensor([4, 2]) });
    m.node("Reshape", ["c", "s"], ["w"]).node("MatMul", ["x", "w"], ["y"]);
  }),
};

describe("compiled operators: every instruction's tensor is onnxruntime's, byte for byte, and close to float", () => {
  test.each(Object.entries(cases))("%s", async (_, { model, specs }) => {
    const { manifest } = await compileAndCompare(model, specs);
    expect(manifest.accuracy.cosineMean).toBeGreaterThan(0.999);
  });

  test("older opsets name the same ops differently", async () => {
    const { model: old, specs } = model(
      [1, 2, 4, 4],
      [1, 32],
      (m, random) => {
        m.initializer("w", randomTensor(random, [2, 2, 1, 1]));
        m.node("Conv", ["x", "w"], ["1"]).node("Unsqueeze", ["1"], ["2"], { axes: [0] });
        m.node("Squeeze", ["2"], ["3"], { axes: [0] })
          .node("Dropout", ["3"], ["4"])
          .node("Flatten", ["4"], ["y"]);
      },
      9,
    );
    await compileAndCompare(old, specs);
  });

  test("Conv, Relu: a single dot with the input's quantisation before it and the output's after", async () => {
    const { model: bytes, specs } = model([1, 2, 4, 4], [1, 3, 4, 4], (m, random) => {
      m.initializer("w", randomTensor(random, [3, 2, 3, 3]));
      m.node("Conv", ["x", "w"], ["1"], { pads }).node("Relu", ["1"], ["y"]);
    });
    const { instructions } = await compileAndCompare(bytes, specs);
    expect(instructions.map((instruction) => instruction.accumulate)).toEqual(["none", "dot", "none"]);
    const dot = instructions[1];
    // Activations run forwards, weights backwards, along the innermost reduction axis.
    expect(dot?.operands.slice(0, 2).map((operand) => operand.map.reduce.at(-1))).toEqual([1, -1]);
  });
});
