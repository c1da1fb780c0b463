import { describe, expect, test } from "vitest";
import type { IntegerConstant } from "../onnx/integerConstants.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import { givenBiases, givenWeights, integerLayer } from "./weights.ts";

function integers(
  tensor: HostTensor,
  scales: readonly number[],
  zeros: readonly number[],
  axis?: number,
): IntegerConstant {
  return { integers: tensor, scales: Float32Array.from(scales), zeros: Int32Array.from(zeros), axis };
}

function source(constants: Readonly<Record<string, IntegerConstant>>) {
  return { integers: (name: string | undefined) => (name === undefined ? undefined : constants[name]) };
}

const matrix = (...values: number[]): HostTensor => ({
  type: "i8",
  dims: [2, 3],
  data: Int8Array.from(values),
});

describe("a model's own integers", () => {
  test("are given row by row, -128 included", () => {
    const given = source({ w: integers(matrix(-128, 1, 2, 127, 4, 5), [0.5], [0]) });
    expect(givenWeights(given, "w", 0)).toEqual({
      values: Int8Array.of(-128, 1, 2, 127, 4, 5),
      zero: 0,
      scales: Float32Array.of(0.5, 0.5),
    });
    expect(givenWeights(given, "w", 1)?.values).toEqual(Int8Array.of(-128, 127, 1, 4, 2, 5));
  });

  test("are centred, each channel on its own zero point, where that fits i8", () => {
    const given = source({ w: integers(matrix(1, 2, 3, 1, 2, 3), [1, 2], [1, -1], 0) });
    expect(givenWeights(given, "w", 0)).toEqual({
      values: Int8Array.of(0, 1, 2, 2, 3, 4),
      zero: 0,
      scales: Float32Array.of(1, 2),
    });
    expect(givenWeights(given, "w", 1)).toBeUndefined();
  });

  test("are u8 where centring makes them too wide", () => {
    const values: HostTensor = { type: "u8", dims: [1, 2], data: Uint8Array.of(0, 255) };
    expect(givenWeights(source({ w: integers(values, [1], [10]) }), "w", 0)).toMatchObject({
      values: Uint8Array.of(0, 255),
      zero: 10,
    });
    const signed = source({ w: integers(matrix(-128, 127, 0, 0, 0, 0), [1], [100]) });
    expect(givenWeights(signed, "w", 0)).toMatchObject({
      values: Uint8Array.of(0, 255, 128, 128, 128, 128),
      zero: 228,
    });
  });

  test("of a bias are taken in units of the sum only", () => {
    const bias: HostTensor = { type: "i32", dims: [2], data: Int32Array.of(-(2 ** 30) - 1, 7) };
    const given = source({ b: integers(bias, [0.1, 0.2], [0, 0], 0) });
    const unit = Float32Array.of(0.2, 0.4);
    expect(givenBiases(given, "b", 0.5, unit)).toEqual(bias.data);
    expect(givenBiases(given, "b", 0.25, unit)).toBeUndefined();
  });

  test("make a layer without quantising anew", () => {
    const bias: HostTensor = { type: "i32", dims: [2], data: Int32Array.of(2 ** 26 + 1, -7) };
    const given = source({
      w: integers(matrix(-128, 1, 2, 127, 4, 5), [0.5], [0]),
      b: integers(bias, [0.25], [0]),
    });
    const constants = {
      weightName: "w",
      biasName: "b",
      channelAxis: 0,
      factors: Float64Array.of(1, 1),
      weights: Float64Array.of(-64, 0.5, 1, 63.5, 2, 2.5),
      biases: Float64Array.of(Math.fround((2 ** 26 + 1) * 0.25), -1.75),
      inputScale: 0.5,
      limit: 64,
      meanInput: () => 1,
      what: "layer",
    };
    expect(integerLayer(given, constants)).toEqual({
      values: Int8Array.of(-128, 1, 2, 127, 4, 5),
      zero: 0,
      scales: Float32Array.of(0.5, 0.5),
      biases: bias.data,
    });
    // An addition that was fused in counts.
    const shifted = { ...constants, biases: Float64Array.of(0, 1.75) };
    expect(integerLayer(given, shifted).biases).toEqual(Int32Array.of(0, 7));
  });
});
