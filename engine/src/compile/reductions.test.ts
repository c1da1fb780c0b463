import { describe, expect, test } from "vitest";
import type { InputSample } from "../inputs/readInputs.ts";
import type { AttributeInput, ModelBuilder } from "../onnx/build.ts";
import { type HostTensor, i64Tensor, tensorFromBytes } from "../onnx/tensor.ts";
import { STEP_BUDGET, worstStepCost } from "../program/step-cost.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { openModel } from "../run/session.ts";
import { compileAndCompare, randomSamples, randomTensor, smallModel } from "../testing/compileSmall.ts";

type Body = (model: ModelBuilder, random: () => number) => void;

/** Compiles, compares traces, and gives the largest error against the float model by the largest magnitude, on new samples. */
async function errorOf(input: readonly number[], output: readonly number[], body: Body, opset = 21) {
  const { model, specs } = smallModel(opset, { x: input }, { y: output }, body);
  const bundle = await compileAndCompare(model, specs);
  for (const instruction of bundle.instructions) {
    const { bytes, gas } = worstStepCost(instruction);
    expect(bytes).toBeLessThanOrEqual(STEP_BUDGET.bytes);
    expect(gas).toBeLessThanOrEqual(STEP_BUDGET.gas);
  }
  const float = await createSession(model, { intraOpNumThreads: 1 });
  const exact = await openModel(bundle, { intraOpNumThreads: 1 });
  let error = 0;
  let largest = 1e-30;
  try {
    for (const sample of randomSamples(specs, 6, 5) as InputSample[]) {
      const expected = (await runSession(float, sample)).y as HostTensor;
      const [bytes] = await exact.run(sample);
      const got = tensorFromBytes("f32", output, bytes as Uint8Array).data as Float32Array;
      (expected.data as Float32Array).forEach((value, k) => {
        error = Math.max(error, Math.abs(value - (got[k] as number)));
        largest = Math.max(largest, Math.abs(value));
      });
    }
  } finally {
    await float.release();
    await exact.release();
  }
  return { error: error / largest, bundle };
}

function reduce(
  op: string,
  axes: readonly number[] | undefined,
  attributes: Record<string, AttributeInput> = {},
): Body {
  return (m) => {
    if (axes) m.initializer("axes", i64Tensor([...axes]));
    m.node(op, axes ? ["x", "axes"] : ["x"], ["y"], attributes);
  };
}

describe("reductions of floats: exact in fixed point, 20 bits of the float op's result", () => {
  const bound = 2 ** -20;
  test.each<[string, readonly number[], readonly number[], Body]>([
    ["ReduceSum of the last axis", [3, 512], [3, 1], reduce("ReduceSum", [-1])],
    ["ReduceSum of a middle axis", [2, 60, 7], [2, 7], reduce("ReduceSum", [1], { keepdims: 0 })],
    ["ReduceSum of all", [2, 3, 4], [], reduce("ReduceSum", undefined, { keepdims: 0 })],
    ["ReduceSum of nothing", [2, 3], [2, 3], reduce("ReduceSum", undefined, { noop_with_empty_axes: 1 })],
    ["ReduceMean", [2, 3, 4, 5], [2, 3, 1, 1], reduce("ReduceMean", [2, -1])],
    ["ReduceMean of ten thousand", [2, 10_000], [2, 1], reduce("ReduceMean", [1])],
    ["ReduceMax", [3, 40], [3], reduce("ReduceMax", [1], { keepdims: 0 })],
    ["ReduceMin of the first axis", [30, 4], [1, 4], reduce("ReduceMin", [0])],
    ["ReduceL1", [3, 40], [3, 1], reduce("ReduceL1", [1])],
    ["ReduceL2", [3, 40], [3, 1], reduce("ReduceL2", [1])],
    ["ReduceSumSquare", [3, 40], [3, 1], reduce("ReduceSumSquare", [1])],
    ["ReduceLogSumExp", [3, 40], [3], reduce("ReduceLogSumExp", [1], { keepdims: 0 })],
    ["GlobalMaxPool", [2, 3, 5, 4], [2, 3, 1, 1], (m) => m.node("GlobalMaxPool", ["x"], ["y"])],
    ["LpNormalization", [3, 20], [3, 20], (m) => m.node("LpNormalization", ["x"], ["y"], { axis: 1, p: 2 })],
    ["Softmax", [4, 30], [4, 30], (m) => m.node("Softmax", ["x"], ["y"])],
    ["Softmax over channels", [2, 30, 5], [2, 30, 5], (m) => m.node("Softmax", ["x"], ["y"], { axis: 1 })],
    ["LogSoftmax", [4, 30], [4, 30], (m) => m.node("LogSoftmax", ["x"], ["y"])],
    [
      "ReduceLogSum",
      [3, 40],
      [3, 1],
      (m) => {
        m.initializer("axes", i64Tensor([1]))
          .node("Abs", ["x"], ["1"])
          .node("ReduceLogSum", ["1", "axes"], ["y"]);
      },
    ],
    [
      "LayerNormalization",
      [2, 7, 288],
      [2, 7, 288],
      (m, random) => {
        m.initializer("s", randomTensor(random, [288])).initializer("b", randomTensor(random, [288]));
        m.node("LayerNormalization", ["x", "s", "b"], ["y"]);
      },
    ],
    [
      "LayerNormalization of two axes, its inverse deviation",
      [2, 7, 9],
      [2, 1, 1],
      (m, random) => {
        m.initializer("s", randomTensor(random, [7, 9]));
        m.node("LayerNormalization", ["x", "s"], ["n", "", "y"], { axis: 1 });
      },
    ],
    [
      "InstanceNormalization",
      [2, 3, 8, 9],
      [2, 3, 8, 9],
      (m, random) => {
        m.initializer("s", randomTensor(random, [3])).initializer("b", randomTensor(random, [3]));
        m.node("InstanceNormalization", ["x", "s", "b"], ["y"]);
      },
    ],
    [
      "GroupNormalization",
      [2, 6, 5, 4],
      [2, 6, 5, 4],
      (m, random) => {
        m.initializer("s", randomTensor(random, [6])).initializer("b", randomTensor(random, [6]));
        m.node("GroupNormalization", ["x", "s", "b"], ["y"], { num_groups: 2 });
      },
    ],
    [
      "SkipLayerNormalization",
      [2, 5, 32],
      [2, 5, 32],
      (m, random) => {
        m.initializer("s", randomTensor(random, [32])).initializer("k", randomTensor(random, [2, 5, 32]));
        m.initializer("b", randomTensor(random, [32]));
        m.node("com.microsoft.SkipLayerNormalization", ["x", "k", "s", "b"], ["y"], {
          epsilon: { float: 1e-5 },
        });
      },
    ],
    [
      "SkipSimplifiedLayerNormalization",
      [2, 5, 32],
      [2, 5, 32],
      (m, random) => {
        m.initializer("s", randomTensor(random, [32])).initializer("k", randomTensor(random, [2, 5, 32]));
        m.node("com.microsoft.SkipSimplifiedLayerNormalization", ["x", "k", "s"], ["y"], {
          epsilon: { float: 1e-5 },
        });
      },
    ],
    [
      "SimplifiedLayerNormalization",
      [3, 64],
      [3, 64],
      (m, random) => {
        m.initializer("s", randomTensor(random, [64]));
        m.node("SimplifiedLayerNormalization", ["x", "s"], ["y"], { epsilon: { float: 1e-5 } });
      },
    ],
    [
      "MeanVarianceNormalization",
      [2, 3, 5, 4],
      [2, 3, 5, 4],
      (m) => m.node("MeanVarianceNormalization", ["x"], ["y"]),
    ],
    [
      "LpNormalization of absolute values",
      [3, 20],
      [3, 20],
      (m) => m.node("LpNormalization", ["x"], ["y"], { p: 1 }),
    ],
    ["ReduceProd", [2, 5, 3], [2, 3], reduce("ReduceProd", [1], { keepdims: 0 })],
    [
      "Gelu, FastGelu and BiasGelu of onnxruntime",
      [4, 16],
      [4, 16],
      (m, random) => {
        m.initializer("b", randomTensor(random, [16])).node("com.microsoft.Gelu", ["x"], ["1"]);
        m.node("com.microsoft.FastGelu", ["1", "b"], ["2"]).node("com.microsoft.BiasGelu", ["2", "b"], ["3"]);
        m.node("com.microsoft.QuickGelu", ["3"], ["y"], { alpha: { float: 1.702 } });
      },
    ],
    [
      "Max, Min, Mean and Sum of three, PRelu by channel",
      [2, 3, 4],
      [2, 3, 4],
      (m, random) => {
        for (const name of ["a", "b"]) m.initializer(name, randomTensor(random, [2, 3, 4]));
        m.initializer("s", randomTensor(random, [3, 1]));
        m.node("Max", ["x", "a", "b"], ["1"])
          .node("Min", ["x", "a", "b"], ["2"])
          .node("Mean", ["1", "2", "a"], ["3"]);
        m.node("Sum", ["1", "2", "3"], ["4"]).node("PRelu", ["4", "s"], ["y"]);
      },
    ],
  ])("%s", async (_, input, output, body) => {
    const { error } = await errorOf(input, output, body);
    expect(error).toBeLessThan(bound);
  });

  test("an axes attribute and flattening Softmax of old opsets", async () => {
    const old = await errorOf(
      [2, 3, 4],
      [2, 4],
      (m) => m.node("ReduceSum", ["x"], ["y"], { axes: [1], keepdims: 0 }),
      11,
    );
    expect(old.error).toBeLessThan(bound);
    const softmax = await errorOf([2, 3, 4], [2, 3, 4], (m) => m.node("Softmax", ["x"], ["y"]), 11);
    expect(softmax.error).toBeLessThan(bound);
    const clip = await errorOf([6], [6], (m) => m.node("Clip", ["x"], ["y"], { min: { float: -0.3 } }), 8);
    expect(clip.error).toBe(0);
    const groups: Body = (m, random) => {
      m.initializer("s", randomTensor(random, [2])).initializer("b", randomTensor(random, [2]));
      m.node("GroupNormalization", ["x", "s", "b"], ["y"], { num_groups: 2 });
    };
    // onnxruntime 1.30 has this opset's form of it no more precisely than as a function of f32.
    expect((await errorOf([2, 6, 5], [2, 6, 5], groups, 18)).error).toBeLessThan(2 ** -19);
  });

  test("RMSNormalization of opset 23", async () => {
    const body: Body = (m, random) => {
      m.initializer("s", randomTensor(random, [48])).node("RMSNormalization", ["x", "s"], ["y"]);
    };
    expect((await errorOf([3, 48], [3, 48], body, 23)).error).toBeLessThan(bound);
  });

  test("a mean of what exists as u8 only, and a maximum that stays u8", async () => {
    const body: Body = (m, random) => {
      m.initializer("w", randomTensor(random, [4, 3, 3, 3])).initializer("v", randomTensor(random, [4, 5]));
      m.initializer("axes", i64Tensor([2, 3])).node("Conv", ["x", "w"], ["1"]);
      m.node("ReduceMean", ["1", "axes"], ["2"], { keepdims: 0 });
      m.node("ReduceMax", ["1", "axes"], ["3"], { keepdims: 0 }).node("MatMul", ["3", "v"], ["4"]);
      m.node("MatMul", ["2", "v"], ["5"]).node("Add", ["4", "5"], ["y"]);
    };
    const { error, bundle } = await errorOf([2, 3, 8, 8], [2, 5], body);
    expect(error).toBeLessThan(0.02);
    const maxima = bundle.instructions.filter(({ accumulate }) => accumulate === "max");
    expect(maxima.map(({ outDtype }) => outDtype)).toEqual(["u8"]);
  });

  test("a product of 25,088 is split, its parts computed by the reference alone", async () => {
    const body: Body = (m, random) => {
      m.initializer("w", randomTensor(random, [25_088, 3])).node("MatMul", ["x", "w"], ["y"]);
    };
    const { bundle } = await errorOf([1, 25_088], [1, 3], body);
    expect(bundle.instructions.map(({ accumulate }) => accumulate)).toEqual(["none", "dot", "sum"]);
    expect(bundle.manifest.instructions.map(({ source }) => source === null)).toEqual([false, true, false]);
  });
});
