import { describe, expect, test } from "vitest";
import { decodeModel } from "../../onnx/proto.ts";
import { compileAndCompare, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import { findWindows } from "./windows.ts";

interface Case {
  readonly what: string;
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly y: readonly number[];
  readonly strides: readonly number[];
  readonly dilations?: readonly number[];
}

const CASES: readonly Case[] = [
  { what: "one dimension", x: [1, 96, 40], filter: [5, 96, 7], y: [1, 5, 12], strides: [3] },
  { what: "samples", x: [1, 1, 8192], filter: [3, 1, 1023], y: [1, 3, 15], strides: [512] },
  { what: "two dimensions", x: [2, 64, 6, 7], filter: [4, 64, 3, 3], y: [2, 4, 4, 5], strides: [1, 1] },
  {
    what: "dilated",
    x: [1, 72, 9, 9],
    filter: [2, 72, 3, 3],
    y: [1, 2, 3, 3],
    strides: [2, 2],
    dilations: [2, 2],
  },
];

describe("wide convolutions as products of windows", () => {
  test.each(CASES)("$what", async ({ x, filter, y, strides, dilations = strides.map(() => 1) }) => {
    const { model, specs } = smallModel(13, { x }, { y }, (builder, random) => {
      builder
        .initializer("w", randomTensor(random, filter))
        .initializer("b", randomTensor(random, [filter[0] as number]))
        .node("Conv", ["x", "w", "b"], ["conv"], { strides, dilations })
        .node("Relu", ["conv"], ["y"]);
    });
    const bundle = await compileAndCompare(model, specs, { conv: 4 });
    const ops = decodeModel(bundle.graph).graph?.node?.map(({ opType }) => opType);
    expect(ops).toContain("MatMulIntegerToFloat");
    expect(bundle.manifest.accuracy.cosineMin).toBeGreaterThan(0.9999999);
  });

  test("a filter of 127 samples with a stride of 64 is two rows of 64", () => {
    const window = {
      kernel: [127],
      strides: [64],
      dilations: [1],
      padsBegin: [0],
      padsEnd: [0],
      input: [320],
      output: [4],
    };
    expect(findWindows(window, 1)).toEqual({
      length: 128,
      rowSize: 64,
      count: 4,
      pieces: [0, 1, 1, 2, 2, 3, 3, 4],
    });
    expect(findWindows({ ...window, padsEnd: [1] }, 1)).toBeUndefined();
  });
});
