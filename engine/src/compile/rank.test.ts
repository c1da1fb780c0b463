import { describe, expect, test } from "vitest";
import { type ElementType, i64Tensor } from "../onnx/tensor.ts";
import { compileAndCompare, randomTensor, typedModel } from "../testing/compileSmall.ts";

const arg = (op: string, type: ElementType, attributes: Record<string, number>, to: readonly number[]) =>
  typedModel(13, { x: [type, [3, 7, 4]] }, { y: ["i64", to] }, (m) => m.node(op, ["x"], ["y"], attributes));

const top = (type: ElementType, attributes: Record<string, number>, k: number, to: readonly number[]) =>
  typedModel(11, { x: [type, [3, 12, 4]] }, { y: [type, to], i: ["i64", to] }, (m) => {
    m.initializer("k", i64Tensor([k])).node("TopK", ["x", "k"], ["y", "i"], attributes);
  });

const cases: Record<string, ReturnType<typeof typedModel>> = {
  ArgMax: arg("ArgMax", "f32", { axis: 1 }, [3, 1, 4]),
  "ArgMax without the dimension": arg("ArgMax", "f32", { axis: -1, keepdims: 0 }, [3, 7]),
  "ArgMax of i32, the last": arg("ArgMax", "i32", { axis: 1, select_last_index: 1 }, [3, 1, 4]),
  "ArgMin of u8": arg("ArgMin", "u8", { axis: 0 }, [1, 7, 4]),
  "ArgMin of i8, the last": arg("ArgMin", "i8", { axis: 1, keepdims: 0, select_last_index: 1 }, [3, 4]),
  "ArgMax of a convolution": typedModel(
    13,
    { x: ["f32", [1, 3, 4, 4]] },
    { y: ["i64", [1, 1, 4, 4]] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [5, 3, 1, 1])).node("Conv", ["x", "w"], ["1"]);
      m.node("ArgMax", ["1"], ["y"], { axis: 1 });
    },
  ),
  TopK: top("f32", { axis: 1 }, 5, [3, 5, 4]),
  "TopK smallest": top("f32", { axis: -1, largest: 0 }, 4, [3, 12, 4]),
  "TopK of one": top("f32", { axis: 1 }, 1, [3, 1, 4]),
  "TopK of all i64": top("i64", { axis: 1 }, 12, [3, 12, 4]),
  "TopK smallest of i32": top("i32", { axis: 0, largest: 0 }, 2, [2, 12, 4]),
  "TopK of i8": top("i8", { axis: 1 }, 3, [3, 3, 4]),
};

describe("ArgMax, ArgMin, TopK: onnxruntime and the program byte for byte, ties included", () => {
  test.each(Object.entries(cases))("%s", async (name, { model, specs }) => {
    const { manifest } = await compileAndCompare(model, specs);
    expect(manifest.accuracy.cosineMin).toBeGreaterThan(name.includes("convolution") ? 0.9 : 0.9999999);
  });
});
