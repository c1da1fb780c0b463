import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AttributeInput, ModelBuilder } from "../onnx/build.ts";
import { STEP_BUDGET } from "../program/step-cost.ts";
import { randomSamples, randomTensor, smallModel } from "../testing/compileSmall.ts";
import { checkModel } from "./checkModel.ts";
import { compileModel, modelInputs } from "./compileModel.ts";

const mnist = readFileSync(join(import.meta.dirname, "../../../fixtures/mnist/mnist-8.onnx"));

function image(body: (model: ModelBuilder, random: () => number) => void) {
  return smallModel(13, { x: [1, 2, 6, 6] }, { y: [1] }, body).model;
}

function convWith(attributes: Record<string, AttributeInput>, filter: readonly number[] = [4, 2, 3, 3]) {
  return image((m, random) =>
    m.initializer("w", randomTensor(random, filter)).node("Conv", ["x", "w"], ["y"], attributes, "conv1"),
  );
}

describe("checkModel", () => {
  test("says op by op that MNIST fits", async () => {
    const report = await checkModel(mnist);
    expect(report).toMatchObject({ fits: true, opset: 8, problems: [] });
    expect(report.nodes).toHaveLength(11);
    expect(report.worstStep?.gas).toBeGreaterThan(10_000);
    expect(report.worstStep?.gas).toBeLessThanOrEqual(STEP_BUDGET.gas);
    expect(report.worstStep?.name).not.toBe("");
    expect(report.nodes[0]).toEqual({ node: "Convolution28", op: "Conv", fits: true });
  });

  test.each<[string, Uint8Array, string]>([
    [
      "an unknown op",
      image((m) => m.node("Mystery", ["x"], ["y"], {}, "odd")),
      "the op is not in the exact profile",
    ],
    [
      "MaxPool's indices",
      image((m) => m.node("MaxPool", ["x"], ["y", "i"], { kernel_shape: [2, 2] })),
      "Indices",
    ],
  ])("refuses %s with the reason", async (_, model, reason) => {
    const report = await checkModel(model);
    expect(report.fits).toBe(false);
    expect(report.nodes.map((node) => node.reason ?? "").join()).toContain(reason);
  });

  test.each([
    ["a filter of more dimensions than the image", convWith({}, [4, 2, 3, 3, 3])],
    ["groups that do not divide", convWith({ group: 3 })],
    ["negative pads", convWith({ pads: [-1, 0, 0, 0] })],
    ["zero strides", convWith({ strides: [0, 1] })],
    ["an unknown auto_pad", convWith({ auto_pad: "SOMEHOW" })],
    ["a pool without a kernel", image((m) => m.node("MaxPool", ["x"], ["y"]))],
  ])("refuses %s as unsound", async (_, model) => {
    await expect(checkModel(model)).rejects.toMatchObject({
      code: expect.stringMatching(/^ONNX_(REFUSED|RUN)$/),
    });
  });

  test("names inputs and outputs that do not fit", async () => {
    const { model } = smallModel(13, {}, { y: [1] }, (m) =>
      m.input("x", "f64", ["n"]).node("Identity", ["x"], ["y"]),
    );
    const { problems } = await checkModel(model);
    expect(problems.join()).toContain('input "x" is f64');
    expect(problems.join()).toContain('symbolic dimension "n"');
  });
});

describe("compileModel refuses", () => {
  const { model, specs } = smallModel(13, { x: [1, 4] }, { y: [1, 4] }, (m) =>
    m.node("RandomNormalLike", ["x"], ["y"], {}, "final"),
  );
  const relu = smallModel(13, { x: [1, 4] }, { y: [1, 4] }, (m) => m.node("Relu", ["x"], ["y"]));

  test("an unsupported op, naming it and its node", async () => {
    await expect(compileModel({ model, calibration: randomSamples(specs, 1, 1) })).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED",
      message: expect.stringMatching(/RandomNormalLike node "final"/),
    });
  });

  test("a pool with a window that lies wholly in the padding", async () => {
    for (const op of ["MaxPool", "AveragePool"]) {
      const pool = smallModel(19, { x: [1, 1, 1, 1] }, { y: [1, 1, 1, 1] }, (m) =>
        m.node(op, ["x"], ["y"], { kernel_shape: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] }),
      );
      const calibration = randomSamples(pool.specs, 1, 1);
      await expect(compileModel({ model: pool.model, calibration }), op).rejects.toMatchObject({
        code: "MODEL_UNSUPPORTED",
      });
    }
  });

  test("an empty calibration set", async () => {
    await expect(compileModel({ model: relu.model, calibration: [] })).rejects.toMatchObject({
      code: "COMPILE_CALIBRATION",
    });
  });

  test("samples of another shape or dtype, or without an input", async () => {
    const sample = { type: "f32" as const, dims: [1, 5], data: new Float32Array(5) };
    const compile = (x: object) => compileModel({ model: relu.model, calibration: [x as never] });
    await expect(compile({ x: sample })).rejects.toMatchObject({ code: "INPUT_SHAPE" });
    await expect(compile({ x: { ...sample, type: "f64" } })).rejects.toMatchObject({ code: "INPUT_DTYPE" });
    await expect(compile({})).rejects.toMatchObject({ code: "INPUT_NAME" });
  });

  test("infinities and NaN in weights", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bad = smallModel(13, { x: [1, 2] }, { y: [1, 1] }, (m) => {
        m.initializer("w", { type: "f32", dims: [2, 1], data: Float32Array.of(1, value) }).node(
          "MatMul",
          ["x", "w"],
          ["y"],
        );
      });
      await expect(
        compileModel({ model: bad.model, calibration: randomSamples(bad.specs, 2, 1) }),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/COMPILE_(WEIGHTS|RANGE)/),
      });
    }
  });

  test("shapes that contradict each other, as onnxruntime says", async () => {
    const bad = smallModel(13, { x: [1, 4] }, { y: [1, 3] }, (m, random) => {
      m.initializer("w", randomTensor(random, [5, 3])).node("MatMul", ["x", "w"], ["y"]);
    });
    const calibration = randomSamples(bad.specs, 1, 1);
    await expect(compileModel({ model: bad.model, calibration })).rejects.toMatchObject({
      code: expect.stringMatching(/ONNX_R(EFUSED|UN)/),
    });
  });

  test("symbolic dimensions that are not fixed", () => {
    const open = smallModel(13, {}, {}, (m) =>
      m.input("x", "f32", ["n"]).node("Relu", ["x"], ["y"]).output("y", "f32", ["n"]),
    );
    expect(() => modelInputs(open.model)).toThrow(expect.objectContaining({ code: "MODEL_UNSUPPORTED" }));
    expect(modelInputs(open.model, { dims: { n: 3 } })[0]?.shape).toEqual([3]);
  });

  test("an input too large to hold", async () => {
    const huge = smallModel(13, { x: [32_768, 32_768] }, { y: [32_768, 32_768] }, (m) =>
      m.node("Relu", ["x"], ["y"]),
    );
    await expect(checkModel(huge.model)).rejects.toMatchObject({
      code: "ONNX_SHAPE",
      message: expect.stringContaining("1073741824 elements"),
    });
  });

  test("weights that are all zero are fine", async () => {
    const zero = smallModel(13, { x: [1, 2] }, { y: [1, 2] }, (m) => {
      m.initializer("w", { type: "f32", dims: [2, 2], data: new Float32Array(4) });
      m.initializer("b", { type: "f32", dims: [2], data: Float32Array.of(0, 1e6) });
      m.node("Gemm", ["x", "w", "b"], ["y"]);
    });
    const bundle = await compileModel({ model: zero.model, calibration: randomSamples(zero.specs, 2, 1) });
    expect(bundle.manifest.accuracy.cosineMean).toBeGreaterThan(0.999);
  });
});
