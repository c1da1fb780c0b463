import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../../onnx/build.ts";
import { compileAndCompare, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import { RUNGS, type Rung } from "./rung.ts";

type Accuracies = Record<Rung, number>;

/** 1 - cosine on each rung, each compared with the reference byte for byte. */
async function errorsByRung(
  { model, specs }: ReturnType<typeof smallModel>,
  layers: readonly string[],
): Promise<Accuracies> {
  const errors: Partial<Accuracies> = {};
  for (const rung of RUNGS) {
    const rungs = Object.fromEntries(layers.map((layer) => [layer, rung]));
    const { manifest } = await compileAndCompare(model, specs, rungs);
    errors[rung] = 1 - manifest.accuracy.cosineMean;
  }
  return errors as Accuracies;
}

function conv(
  input: readonly number[],
  output: readonly number[],
  filter: readonly number[],
  attributes: Record<string, AttributeInput>,
  relu = false,
) {
  return smallModel(13, { x: input }, { y: output }, (m, random) => {
    m.initializer("w", randomTensor(random, filter));
    m.initializer("b", randomTensor(random, [filter[0] as number]));
    m.node("Conv", ["x", "w", "b"], [relu ? "1" : "y"], attributes);
    if (relu) m.node("Relu", ["1"], ["y"]);
  });
}

const pads = [1, 1, 1, 1];
const cases: Record<string, readonly [ReturnType<typeof smallModel>, readonly string[]]> = {
  Conv: [conv([1, 3, 7, 6], [1, 5, 7, 6], [5, 3, 3, 3], { pads }), ["y"]],
  "Conv, Relu": [conv([1, 3, 7, 6], [1, 5, 7, 6], [5, 3, 3, 3], { pads }, true), ["1"]],
  "Conv in groups, strided, dilated": [
    conv([2, 6, 9, 9], [2, 4, 5, 5], [4, 3, 3, 3], {
      group: 2,
      dilations: [2, 2],
      pads: [2, 2, 2, 2],
      strides: [2, 2],
    }),
    ["y"],
  ],
  "Conv depthwise": [conv([1, 6, 8, 8], [1, 6, 8, 8], [6, 1, 3, 3], { group: 6, pads }), ["y"]],
  "Conv 1D": [conv([2, 4, 11], [2, 5, 11], [5, 4, 3], { pads: [1, 1] }), ["y"]],
  "Conv after Conv": [
    smallModel(13, { x: [1, 3, 6, 6] }, { y: [1, 4, 6, 6] }, (m, random) => {
      m.initializer("w", randomTensor(random, [6, 3, 3, 3])).initializer(
        "v",
        randomTensor(random, [4, 6, 3, 3]),
      );
      m.node("Conv", ["x", "w"], ["1"], { pads })
        .node("Relu", ["1"], ["2"])
        .node("Conv", ["2", "v"], ["y"], { pads });
    }),
    ["1", "y"],
  ],
};

/** x -> y by a chain of products by constant matrices, named "1", "2", ..., "y". */
function products(input: readonly number[], widths: readonly number[], relu = false) {
  const output = [...input.slice(0, -1), widths.at(-1) as number];
  return smallModel(13, { x: input }, { y: output }, (m, random) => {
    let [value, size] = ["x", input.at(-1) as number];
    widths.forEach((width, k) => {
      const last = k === widths.length - 1;
      const name = last && !relu ? "y" : `${k + 1}`;
      m.initializer(`w${k}`, randomTensor(random, [size, width]));
      m.initializer(`b${k}`, randomTensor(random, [width]));
      m.node("MatMul", [value, `w${k}`], [`${k}p`]).node("Add", [`${k}p`, `b${k}`], [name]);
      if (relu) m.node("Relu", [name], [last ? "y" : `${k}r`]);
      value = relu ? `${k}r` : name;
      size = width;
    });
  });
}

function activationProduct(
  left: readonly number[],
  right: readonly number[],
  output: readonly number[],
): ReturnType<typeof smallModel> {
  return smallModel(13, { a: left, b: right }, { y: output }, (m) => m.node("MatMul", ["a", "b"], ["y"]));
}

Object.assign(cases, {
  MatMul: [products([2, 3, 6], [5]), ["0p"]],
  "MatMul, Add, Relu, MatMul, Add, Relu": [products([4, 8], [7, 5], true), ["0p", "1p"]],
  "MatMul of a flattened image": [
    smallModel(13, { x: [1, 3, 4, 4] }, { y: [1, 5] }, (m, random) => {
      m.initializer("w", randomTensor(random, [4, 3, 3, 3])).initializer("v", randomTensor(random, [64, 5]));
      m.node("Conv", ["x", "w"], ["1"], { pads })
        .node("Flatten", ["1"], ["2"])
        .node("MatMul", ["2", "v"], ["y"]);
    }),
    ["1", "y"],
  ],
});

const activationCases = {
  "two matrices": activationProduct([5, 7], [7, 4], [5, 4]),
  "two batches": activationProduct([2, 3, 4, 5], [2, 3, 5, 6], [2, 3, 4, 6]),
  "a batch broadcast": activationProduct([2, 1, 4, 5], [3, 5, 6], [2, 3, 4, 6]),
  "one row": activationProduct([1, 9], [9, 3], [1, 3]),
  "one column": activationProduct([3, 9], [9, 1], [3, 1]),
  "a long reduction, too long for f32 on rung 2": activationProduct([2, 300], [300, 2], [2, 2]),
  "by a constant of three dimensions": smallModel(13, { a: [2, 3, 5] }, { y: [2, 3, 4] }, (m, random) => {
    m.initializer("b", randomTensor(random, [2, 5, 4])).node("MatMul", ["a", "b"], ["y"]);
  }),
  "of a constant of three dimensions": smallModel(13, { b: [5, 4] }, { y: [2, 3, 4] }, (m, random) => {
    m.initializer("a", randomTensor(random, [2, 3, 5])).node("MatMul", ["a", "b"], ["y"]);
  }),
  "of a value by its own transpose": smallModel(13, { x: [2, 4, 6] }, { y: [2, 4, 4] }, (m) => {
    m.node("Transpose", ["x"], ["t"], { perm: [0, 2, 1] }).node("MatMul", ["x", "t"], ["y"]);
  }),
};

describe("products of activations, on every rung", () => {
  test.each(Object.entries(activationCases))("%s", async (_, small) => {
    const errors = await errorsByRung(small, ["y"]);
    expect(errors[0]).toBeLessThan(5e-4);
    expect(errors[2]).toBeLessThan(errors[0] / 4);
    expect(errors[3]).toBeLessThan(1e-8);
    expect(errors[4]).toBeLessThan(1e-8);
  });
});

describe("the precision ladder: every rung is onnxruntime's byte for byte, and each closer to float", () => {
  test.each(Object.entries(cases))("%s", async (_, [small, layers]) => {
    const errors = await errorsByRung(small, layers);
    expect(errors[0]).toBeLessThan(2e-4);
    expect(errors[1]).toBeLessThan(errors[0]);
    expect(errors[2]).toBeLessThan(errors[1] / 20);
    expect(errors[3]).toBeLessThan(errors[2] / 2 + 1e-8);
    expect(errors[4]).toBeLessThan(2e-8);
  });

  test("a layer on rung 2 that reads a u8 value takes its integers as they are", async () => {
    const [small] = cases["Conv after Conv"] as (typeof cases)[string];
    const { manifest } = await compileAndCompare(small.model, small.specs, { y: 2 });
    expect(manifest.accuracy.cosineMean).toBeGreaterThan(0.9998);
  });

  test("sums that f32 cannot hold on rung 2 are made of integer convolutions", async () => {
    const { model, specs } = conv([1, 3000, 1, 1], [1, 2, 1, 1], [2, 3000, 1, 1], {});
    const { manifest } = await compileAndCompare(model, specs, { y: 2 });
    expect(manifest.accuracy.cosineMean).toBeGreaterThan(0.999);
  });
});
