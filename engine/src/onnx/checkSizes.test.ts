import { describe, expect, test } from "vitest";
import { checkModel } from "../compile/checkModel.ts";
import { type AttributeInput, ModelBuilder } from "./build.ts";
import { type HostTensor, i64Tensor } from "./tensor.ts";

const HUGE = 2 ** 30;

/** One node over an image, its further inputs constants. */
function model(
  op: string,
  constants: readonly (HostTensor | null)[],
  attributes: Readonly<Record<string, AttributeInput>> = {},
): Uint8Array {
  const builder = new ModelBuilder(17).input("x", "f32", [1, 2, 8, 8]);
  const names = constants.map((tensor, k) => {
    if (tensor) builder.initializer(`c${k}`, tensor);
    return tensor ? `c${k}` : "";
  });
  const isSource = op === "ConstantOfShape" || op === "Range";
  builder.node(op, isSource ? names : ["x", ...names], ["made"], attributes);
  const last = isSource ? builder.node("Cast", ["made"], ["float"], { to: 1 }) : builder;
  last.node("Add", [isSource ? "float" : "made", "x"], ["y"]);
  return builder.output("y", "f32", ["a", "b", "c", "d"]).encode();
}

const scalar = (value: number): HostTensor => ({ ...i64Tensor([value]), dims: [] });
const floats = (...values: number[]): HostTensor => ({
  type: "f32",
  dims: [values.length],
  data: Float32Array.from(values),
});
const filter: HostTensor = { type: "f32", dims: [2, 2, 3, 3], data: new Float32Array(36) };

describe("sizes that a few bytes declare", () => {
  test.each<[string, Uint8Array]>([
    ["MaxPool's kernel", model("MaxPool", [], { kernel_shape: [HUGE, HUGE] })],
    ["MaxPool's kernel of many small sizes", model("MaxPool", [], { kernel_shape: [2 ** 14, 2 ** 14] })],
    ["AveragePool's pads", model("AveragePool", [], { kernel_shape: [2, 2], pads: [HUGE, 0, 0, 0] })],
    ["Conv's pads", model("Conv", [filter], { pads: [2 ** 15, 2 ** 15, 2 ** 15, 2 ** 15] })],
    ["Conv's dilations", model("Conv", [filter], { dilations: [HUGE, 1] })],
    ["ConvTranspose's strides", model("ConvTranspose", [filter], { strides: [HUGE, 1] })],
    ["Pad", model("Pad", [i64Tensor([0, 0, 0, 0, 0, 0, 0, HUGE])])],
    ["Tile", model("Tile", [i64Tensor([HUGE, HUGE, 1, 1])])],
    ["Expand", model("Expand", [i64Tensor([HUGE, 2, 8, 8])])],
    ["ConstantOfShape", model("ConstantOfShape", [i64Tensor([HUGE, HUGE])])],
    ["Range", model("Range", [scalar(0), scalar(2 ** 40), scalar(1)])],
    ["Resize's scales", model("Resize", [null, floats(1, 1, HUGE, HUGE)])],
    ["Resize's sizes", model("Resize", [null, null, i64Tensor([1, 2, HUGE, HUGE])])],
  ])("are refused by name in no time: %s", async (_, bytes) => {
    const start = performance.now();
    await expect(checkModel(bytes)).rejects.toMatchObject({ code: "ONNX_SHAPE" });
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
