import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../../onnx/build.ts";
import { compileAndCompare, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import type { Rung } from "./rung.ts";

const RUNGS = [0, 1, 2, 3] as const;
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
const cases: Record<string, [ReturnType<typeof smallModel>, readonly string[]]> = {
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

describe("the precision ladder: every rung is onnxruntime's byte for byte, and each closer to float", () => {
  test.each(Object.entries(cases))("%s", async (_, [small, layers]) => {
    const errors = await errorsByRung(small, layers);
    expect(errors[0]).toBeLessThan(2e-4);
    expect(errors[1]).toBeLessThan(errors[0]);
    expect(errors[2]).toBeLessThan(errors[1] / 20);
    expect(errors[3]).toBeLessThan(2e-8);
  });

  test("a layer on rung 2 that reads a u8 value takes its integers as they are", async () => {
    const [small] = cases["Conv after Conv"] as [ReturnType<typeof smallModel>, readonly string[]];
    const { manifest } = await compileAndCompare(small.model, small.specs, { y: 2 });
    expect(manifest.accuracy.cosineMean).toBeGreaterThan(0.9998);
  });

  test("sums that f32 cannot hold on rung 2 are made of integer convolutions", async () => {
    const { model, specs } = conv([1, 3000, 1, 1], [1, 2, 1, 1], [2, 3000, 1, 1], {});
    const { manifest } = await compileAndCompare(model, specs, { y: 2 });
    expect(manifest.accuracy.cosineMean).toBeGreaterThan(0.999);
  });
});
