import { describe, expect, test } from "vitest";
import type { InputSpec } from "../inputs/readInputs.ts";
import type { AttributeInput, ModelBuilder } from "../onnx/build.ts";
import {
  ELEMENT_TYPES,
  type HostTensor,
  i64Tensor,
  type TensorData,
  tensorFromBytes,
} from "../onnx/tensor.ts";
import type { Bundle } from "../run/bundle.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { openModel } from "../run/session.ts";
import { compileAndCompare, randomSamples, smallModel } from "../testing/compileSmall.ts";

type Integer = "u8" | "i8";
type Random = () => number;

function scalar(type: "f32" | "u8" | "i8" | "i32", value: number): HostTensor {
  return { type, dims: [], data: (ELEMENT_TYPES[type].array as typeof Float32Array).of(value) as TensorData };
}

function vector(type: "f32" | "u8" | "i8" | "i32", values: readonly number[]): HostTensor {
  const data = (ELEMENT_TYPES[type].array as typeof Float32Array).from(values) as TensorData;
  return { type, dims: [values.length], data };
}

/** Random integers over the whole range of the type, both ends among them. */
function integers(random: Random, type: Integer, dims: readonly number[]): HostTensor {
  const low = type === "i8" ? -128 : 0;
  const count = dims.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, (_, k) =>
    k === 0 ? low : k === 1 ? low + 255 : low + Math.floor(random() * 256),
  );
  return { ...vector(type, values), dims };
}

/** Adds scale and zero point of this name as constants; returns the names of both. */
function parameters(
  m: ModelBuilder,
  name: string,
  type: Integer,
  scale: number,
  zero: number,
): [string, string] {
  m.initializer(`${name}_scale`, scalar("f32", scale)).initializer(`${name}_zero`, scalar(type, zero));
  return [`${name}_scale`, `${name}_zero`];
}

/** QuantizeLinear and DequantizeLinear of `from`, as `to`. */
function fake(m: ModelBuilder, from: string, to: string, type: Integer, scale: number, zero: number): void {
  const names = parameters(m, to, type, scale, zero);
  m.node("QuantizeLinear", [from, ...names], [`${to}_q`]);
  m.node("DequantizeLinear", [`${to}_q`, ...names], [to]);
}

interface WeightForm {
  readonly type?: Integer;
  readonly zero?: number;
  readonly axis?: number;
}

/** DequantizeLinear of random integers as `name`. */
function weights(
  m: ModelBuilder,
  random: Random,
  name: string,
  dims: readonly number[],
  form: WeightForm = {},
): void {
  const { type = "i8", zero = 0, axis } = form;
  m.initializer(`${name}_q`, integers(random, type, dims));
  if (axis === undefined) {
    const names = parameters(m, name, type, 0.01, zero);
    m.node("DequantizeLinear", [`${name}_q`, ...names], [name]);
    return;
  }
  const channels = dims[axis] as number;
  const scales = Array.from({ length: channels }, () => 0.004 + 0.01 * random());
  m.initializer(`${name}_scale`, vector("f32", scales));
  m.initializer(
    `${name}_zero`,
    vector(
      type,
      scales.map(() => zero),
    ),
  );
  m.node("DequantizeLinear", [`${name}_q`, `${name}_scale`, `${name}_zero`], [name], { axis });
}

const pads = [1, 1, 1, 1];
type Body = (m: ModelBuilder, random: Random) => void;
type Case = { model: Uint8Array; specs: InputSpec[] };
const model = (input: readonly number[], output: readonly number[], body: Body, opset = 21): Case =>
  smallModel(opset, { x: input }, { y: output }, body);

/** x, quantised, through a convolution with these weights and what `after` adds between "1" and "2", quantised. */
function conv(
  type: Integer,
  form: WeightForm,
  zero: number,
  after: Body,
  attributes: Record<string, AttributeInput> = {},
): Body {
  return (m, random) => {
    fake(m, "x", "a", type, 1 / 127, type === "u8" ? 120 : -8);
    weights(m, random, "w", [4, 3, 3, 3], form);
    m.initializer("b_q", vector("i32", [1000, -2000, 3, 4]));
    const scales = form.axis === undefined ? 1 : 4;
    m.initializer(
      "b_scale",
      scales === 1 ? scalar("f32", 0.01 / 127) : vector("f32", [1e-4, 1e-4, 1e-4, 1e-4]),
    );
    m.node("DequantizeLinear", ["b_q", "b_scale"], ["b"], scales === 1 ? {} : { axis: 0 });
    m.node("Conv", ["a", "w", "b"], ["1"], { pads, ...attributes });
    after(m, random);
    fake(m, "2", "y", type, 0.05, zero);
  };
}
const nothing: Body = (m) => m.node("Identity", ["1"], ["2"]);
const relu: Body = (m) => m.node("Relu", ["1"], ["2"]);
const clip: Body = (m) => {
  m.initializer("low", scalar("f32", -0.7)).initializer("high", scalar("f32", 1.1));
  m.node("Clip", ["1", "low", "high"], ["2"]);
};
const image = [1, 3, 6, 6];
const result = [1, 4, 6, 6];

/** A contributed op of one quantised operand. */
function contributed(
  op: string,
  input: readonly number[],
  output: readonly number[],
  attributes: Record<string, AttributeInput> = {},
  type: Integer = "u8",
  scale = 1 / 100,
  zero = 90,
): Case {
  return model(input, output, (m) => {
    const [a, b] = [
      parameters(m, "a", type, 1 / 127, type === "u8" ? 120 : -8),
      parameters(m, "c", type, scale, zero),
    ];
    m.node("QuantizeLinear", ["x", ...a], ["a"]);
    m.node(`com.microsoft.${op}`, ["a", ...a, ...b], ["c"], attributes);
    m.node("DequantizeLinear", ["c", ...b], ["y"]);
  });
}

/** A contributed op of two quantised operands: x and its relu. */
function contributedPair(op: string, type: Integer): Case {
  return model([2, 3, 4], [2, 3, 4], (m) => {
    const zero = type === "u8" ? 100 : -20;
    const [a, b, c] = ["a", "b", "c"].map((name, k) =>
      parameters(m, name, type, (k + 1) / 100, zero + k),
    ) as [[string, string], [string, string], [string, string]];
    m.node("QuantizeLinear", ["x", ...a], ["a"]).node("Transpose", ["x"], ["r"], { perm: [0, 1, 2] });
    m.node("QuantizeLinear", ["r", ...b], ["b"]);
    m.node(`com.microsoft.${op}`, ["a", ...a, "b", ...b, ...c], ["c"]);
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  });
}

/** Where the integers are the model's own and the arithmetic onnxruntime's own integer kernels: equal. */
const equal: Record<string, Case> = {
  "Conv of u8 by i8 weights, full range": model(image, result, conv("u8", {}, 128, nothing)),
  "Conv of u8 by u8 weights with a zero point": model(
    image,
    result,
    conv("u8", { type: "u8", zero: 130 }, 128, nothing),
  ),
  "Conv of u8 by u8 weights too wide for i8": model(
    image,
    result,
    conv("u8", { type: "u8", zero: 20 }, 128, nothing),
  ),
  "Conv of i8 by i8 weights per channel": model(image, result, conv("i8", { axis: 0 }, 3, nothing)),
  "Conv, Relu absorbed": model(image, result, conv("u8", { axis: 0 }, 0, relu)),
  "Conv, Relu above the lowest integer": model(image, result, conv("u8", {}, 100, relu)),
  "Conv, Relu of i8": model(image, result, conv("i8", {}, -128, relu)),
  "Conv, Clip": model(image, result, conv("i8", {}, 5, clip)),
  "QLinearConv in groups": model([2, 4, 5, 5], [2, 6, 5, 5], (m, random) => {
    const [a, c] = [parameters(m, "a", "u8", 1 / 127, 120), parameters(m, "c", "u8", 0.02, 128)];
    m.initializer("w", integers(random, "i8", [6, 2, 3, 3])).initializer(
      "ws",
      vector(
        "f32",
        [1, 2, 3, 4, 5, 6].map((k) => k / 1000),
      ),
    );
    m.initializer("wz", scalar("i8", 0)).initializer("b", vector("i32", [1, 2, -3000, 4000, 5, 6]));
    m.node("QuantizeLinear", ["x", ...a], ["a"]);
    m.node("QLinearConv", ["a", ...a, "w", "ws", "wz", ...c, "b"], ["c"], { pads, group: 2 });
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  }),
  "QLinearMatMul by a constant": model([2, 3, 8], [2, 3, 5], (m, random) => {
    const [a, c] = [parameters(m, "a", "u8", 1 / 127, 120), parameters(m, "c", "u8", 0.02, 128)];
    m.initializer("w", integers(random, "i8", [8, 5])).initializer(
      "ws",
      vector(
        "f32",
        [1, 2, 3, 4, 5].map((k) => k / 400),
      ),
    );
    m.initializer("wz", vector("i8", [0, 0, 0, 0, 0])).node("QuantizeLinear", ["x", ...a], ["a"]);
    m.node("QLinearMatMul", ["a", ...a, "w", "ws", "wz", ...c], ["c"]);
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  }),
  "integers moved between QuantizeLinear and DequantizeLinear": model([1, 2, 4, 4], [8, 1], (m) => {
    const a = parameters(m, "a", "i8", 1 / 100, -3);
    m.node("QuantizeLinear", ["x", ...a], ["1"]);
    m.node("MaxPool", ["1"], ["2"], { kernel_shape: [2, 2], strides: [2, 2] });
    m.initializer("shape", i64Tensor([1, 8])).node("Reshape", ["2", "shape"], ["3"]);
    m.node("Transpose", ["3"], ["4"]).node("DequantizeLinear", ["4", ...a], ["y"]);
  }),
  "QuantizeLinear and DequantizeLinear along an axis": model([2, 3, 4], [2, 3, 4], (m) => {
    m.initializer("s", vector("f32", [0.01, 0.02, 0.005])).initializer("z", vector("u8", [100, 0, 255]));
    m.node("QuantizeLinear", ["x", "s", "z"], ["q"], { axis: 1 });
    m.node("DequantizeLinear", ["q", "s", "z"], ["y"], { axis: 1 });
  }),
  "QuantizeLinear and DequantizeLinear of 16 bits": model([2, 6], [3, 4], (m) => {
    m.initializer("s", scalar("f32", 3e-5)).initializer("z", {
      type: "u16",
      dims: [],
      data: Uint16Array.of(30000),
    });
    m.node("QuantizeLinear", ["x", "s", "z"], ["q"]).initializer("shape", i64Tensor([3, 4]));
    m.node("Reshape", ["q", "shape"], ["r"]).node("DequantizeLinear", ["r", "s", "z"], ["1"]);
    m.initializer("i", { type: "i16", dims: [], data: Int16Array.of(-7) });
    m.node("QuantizeLinear", ["1", "s", "i"], ["2"]).node("DequantizeLinear", ["2", "s", "i"], ["y"]);
  }),
  "QuantizeLinear and DequantizeLinear in blocks": model([2, 6], [2, 6], (m) => {
    const table = (type: "f32" | "i8", values: number[]): HostTensor => ({
      ...vector(type, values),
      dims: [2, 2],
    });
    m.initializer("s", table("f32", [0.01, 0.02, 0.005, 0.1])).initializer(
      "z",
      table("i8", [1, -2, 30, -128]),
    );
    m.node("QuantizeLinear", ["x", "s", "z"], ["q"], { axis: 1, block_size: 3 });
    m.node("DequantizeLinear", ["q", "s", "z"], ["y"], { axis: 1, block_size: 3 });
  }),
};

/** DynamicQuantizeLinear of `from`: its three results are `to`, `to`_s and `to`_z. */
function dynamic(m: ModelBuilder, from: string, to: string): void {
  m.node("DynamicQuantizeLinear", [from], [to, `${to}_s`, `${to}_z`]);
}

/** Int32 sums as floats. */
function scaled(m: ModelBuilder, sums: string, scales: readonly string[], output: string): void {
  m.node("Cast", [sums], [`${sums}_real`], { to: 1 });
  m.node("Mul", scales, [`${sums}_scale`]).node("Mul", [`${sums}_real`, `${sums}_scale`], [output]);
}

/** A ConvInteger of dynamically quantised x by constant weights. */
function dynamicConv(
  filter: readonly number[],
  type: Integer,
  zero: number,
  attributes: Record<string, AttributeInput>,
): Body {
  return (m, random) => {
    dynamic(m, "x", "a");
    m.initializer("w", integers(random, type, filter)).initializer("w_s", scalar("f32", 0.01));
    m.initializer("w_z", scalar(type, zero));
    m.node("ConvInteger", ["a", "w", "a_z", "w_z"], ["sum"], attributes);
    scaled(m, "sum", ["a_s", "w_s"], "y");
  };
}

const dynamicCases: Record<string, Case> = {
  "MatMulInteger, dynamically quantised": model([2, 3, 8], [2, 3, 5], (m, random) => {
    dynamic(m, "x", "a");
    m.initializer("w", integers(random, "u8", [8, 5]))
      .initializer("w_s", scalar("f32", 0.01))
      .initializer("w_z", scalar("u8", 141));
    m.node("MatMulInteger", ["a", "w", "a_z", "w_z"], ["sum"]);
    scaled(m, "sum", ["a_s", "w_s"], "1");
    m.initializer("b", vector("f32", [1, 2, 3, 4, 5])).node("Add", ["1", "b"], ["y"]);
  }),
  "MatMulInteger, zero points per column": model([3, 4], [3, 3], (m, random) => {
    dynamic(m, "x", "a");
    m.initializer("w", integers(random, "i8", [4, 3]))
      .initializer("w_z", vector("i8", [0, 0, 0]))
      .initializer("w_s", scalar("f32", 0.01));
    m.node("MatMulInteger", ["a", "w", "a_z", "w_z"], ["sum"]);
    scaled(m, "sum", ["a_s", "w_s"], "y");
  }),
  "MatMulInteger of two computed matrices, both zero points computed": model([2, 3, 4], [2, 3, 3], (m) => {
    dynamic(m, "x", "a");
    m.node("Transpose", ["x"], ["t"], { perm: [0, 2, 1] });
    dynamic(m, "t", "b");
    m.node("MatMulInteger", ["a", "b", "a_z", "b_z"], ["sum"]);
    scaled(m, "sum", ["a_s", "b_s"], "y");
  }),
  "MatMulInteger of int8 by int8": model([2, 4], [2, 2], (m) => {
    const names = parameters(m, "a", "i8", 1 / 127, -5);
    m.node("QuantizeLinear", ["x", ...names], ["a"]).node("Transpose", ["x"], ["t"]);
    m.node("QuantizeLinear", ["t", ...names], ["b"]).node(
      "MatMulInteger",
      ["a", "b", "a_zero", "a_zero"],
      ["sum"],
    );
    scaled(m, "sum", ["a_scale", "a_scale"], "y");
  }),
  "QLinearMatMul of two computed matrices": model([2, 3, 4], [2, 3, 3], (m) => {
    const [a, b, c] = [
      parameters(m, "a", "u8", 0.01, 100),
      parameters(m, "b", "i8", 0.02, -3),
      parameters(m, "c", "u8", 0.01, 9),
    ];
    m.node("Transpose", ["x"], ["t"], { perm: [0, 2, 1] }).node("QuantizeLinear", ["x", ...a], ["a"]);
    m.node("QuantizeLinear", ["t", ...b], ["b"]).node("QLinearMatMul", ["a", ...a, "b", ...b, ...c], ["c"]);
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  }),
  "MatMulInteger of a constant by a computed matrix": model([4, 3], [2, 3], (m, random) => {
    dynamic(m, "x", "a");
    m.initializer("w", integers(random, "u8", [2, 4]))
      .initializer("w_z", scalar("u8", 3))
      .initializer("w_s", scalar("f32", 0.01));
    m.node("MatMulInteger", ["w", "a", "w_z", "a_z"], ["sum"]);
    scaled(m, "sum", ["a_s", "w_s"], "y");
  }),
  "ConvInteger padded": model([1, 3, 6, 5], [1, 4, 6, 5], dynamicConv([4, 3, 3, 3], "u8", 130, { pads })),
  "ConvInteger strided, int8 weights": model(
    [2, 3, 7, 7],
    [2, 4, 3, 3],
    dynamicConv([4, 3, 3, 3], "i8", 0, { strides: [2, 2] }),
  ),
  "ConvInteger in groups": model(
    [1, 4, 5, 5],
    [1, 6, 5, 5],
    dynamicConv([6, 2, 3, 3], "u8", 20, { pads, group: 2 }),
  ),
  "ConvInteger 1D": model([1, 3, 9], [1, 4, 9], dynamicConv([4, 3, 3], "i8", 0, { pads: [1, 1] })),
  DynamicQuantizeMatMul: model([3, 8], [3, 5], (m, random) => {
    m.initializer("w", integers(random, "u8", [8, 5]))
      .initializer("w_s", scalar("f32", 0.01))
      .initializer("w_z", scalar("u8", 141));
    m.initializer("b", vector("f32", [1, 2, 3, 4, 5]));
    m.node("com.microsoft.DynamicQuantizeMatMul", ["x", "w", "w_s", "w_z", "b"], ["y"]);
  }),
  MatMulIntegerToFloat: model([3, 8], [3, 5], (m, random) => {
    dynamic(m, "x", "a");
    m.initializer("w", integers(random, "u8", [8, 5]))
      .initializer("w_s", scalar("f32", 0.01))
      .initializer("w_z", scalar("u8", 141));
    m.node("com.microsoft.MatMulIntegerToFloat", ["a", "w", "a_s", "w_s", "a_z", "w_z"], ["y"]);
  }),
  "QuantizeLinear and DequantizeLinear by computed parameters": model([2, 6], [2, 6], (m) => {
    dynamic(m, "x", "a");
    m.node("Mul", ["x", "x"], ["1"]).node("QuantizeLinear", ["1", "a_s", "a_z"], ["q"]);
    m.node("DequantizeLinear", ["q", "a_s", "a_z"], ["y"]);
  }),
};

/** Where onnxruntime's own quantised kernel rounds differently, by one step of the result. */
const close: Record<string, Case> = {
  "QLinearAdd u8": contributedPair("QLinearAdd", "u8"),
  "QLinearAdd i8": contributedPair("QLinearAdd", "i8"),
  "QLinearMul u8": contributedPair("QLinearMul", "u8"),
  QLinearGlobalAveragePool: contributed("QLinearGlobalAveragePool", [2, 3, 5, 5], [2, 3, 1, 1], {
    channels_last: 0,
  }),
  "QLinearGlobalAveragePool channels-last": contributed(
    "QLinearGlobalAveragePool",
    [2, 5, 5, 3],
    [2, 1, 1, 3],
    { channels_last: 1 },
  ),
  QLinearAveragePool: contributed("QLinearAveragePool", [1, 3, 6, 6], [1, 3, 3, 3], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  }),
  QGemm: model([3, 6], [3, 4], (m, random) => {
    const [a, c] = [parameters(m, "a", "u8", 1 / 127, 120), parameters(m, "c", "u8", 0.02, 128)];
    m.initializer("w", integers(random, "i8", [4, 6]))
      .initializer("ws", scalar("f32", 0.005))
      .initializer("wz", scalar("i8", 0));
    m.initializer("b", vector("i32", [100, -200, 3000, 4]));
    m.node("QuantizeLinear", ["x", ...a], ["a"]);
    m.node("com.microsoft.QGemm", ["a", ...a, "w", "ws", "wz", "b", ...c], ["c"], {
      transB: 1,
      alpha: { float: 1 },
    });
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  }),
  QLinearLeakyRelu: contributed("QLinearLeakyRelu", [2, 7], [2, 7], { alpha: { float: 0.1 } }),
  "QLinearSigmoid i8": contributed("QLinearSigmoid", [2, 7], [2, 7], {}, "i8", 1 / 256, -128),
  QLinearSoftmax: contributed("QLinearSoftmax", [2, 7], [2, 7], { axis: -1, opset: 13 }, "u8", 1 / 256, 0),
  QLinearConcat: model([2, 3], [2, 6], (m) => {
    const [a, b, c] = [
      parameters(m, "a", "u8", 0.01, 100),
      parameters(m, "b", "u8", 0.02, 3),
      parameters(m, "c", "u8", 0.015, 90),
    ];
    m.node("QuantizeLinear", ["x", ...a], ["a"]).node("QuantizeLinear", ["x", ...b], ["b"]);
    m.node("com.microsoft.QLinearConcat", [...c, "a", ...a, "b", ...b], ["c"], { axis: 1 });
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  }),
  QLinearWhere: model([2, 3], [2, 3], (m) => {
    const [a, b, c] = [
      parameters(m, "a", "u8", 0.01, 100),
      parameters(m, "b", "u8", 0.02, 3),
      parameters(m, "c", "u8", 0.015, 90),
    ];
    m.initializer("zero", scalar("f32", 0)).node("Less", ["x", "zero"], ["if"]);
    m.node("QuantizeLinear", ["x", ...a], ["a"]).node("QuantizeLinear", ["x", ...b], ["b"]);
    m.node("com.microsoft.QLinearWhere", ["if", "a", ...a, "b", ...b, ...c], ["c"]);
    m.node("DequantizeLinear", ["c", ...c], ["y"]);
  }),
  "residual block": model([1, 4, 5, 5], [1, 4, 5, 5], (m, random) => {
    fake(m, "x", "a", "u8", 1 / 127, 128);
    weights(m, random, "w", [4, 4, 3, 3], { axis: 0 });
    m.node("Conv", ["a", "w"], ["1"], { pads }).node("Relu", ["1"], ["2"]);
    fake(m, "2", "3", "u8", 0.03, 0);
    m.node("Add", ["3", "a"], ["4"]);
    fake(m, "4", "5", "u8", 0.04, 40);
    m.node("GlobalAveragePool", ["5"], ["6"]);
    fake(m, "6", "7", "u8", 0.02, 10);
    m.node("Mul", ["5", "7"], ["8"]);
    fake(m, "8", "y", "u8", 0.05, 30);
  }),
};

async function largestDifference(bundle: Bundle, { model, specs }: Case): Promise<number> {
  const [source, session] = [await createSession(model, { intraOpNumThreads: 1 }), await openModel(bundle)];
  try {
    let largest = 0;
    for (const sample of randomSamples(specs, 4, 5)) {
      const { y } = await runSession(source, sample);
      const [bytes] = await session.run(sample);
      const exact = tensorFromBytes("f32", y?.dims ?? [], bytes as Uint8Array).data as Float32Array;
      exact.forEach((value, k) => {
        largest = Math.max(largest, Math.abs(value - (y?.data[k] as number)));
      });
    }
    return largest;
  } finally {
    await source.release();
    await session.release();
  }
}

describe("models that arrive quantised: every tensor as the reference has it, and onnxruntime's own result", () => {
  test.each(Object.entries(equal))("%s: equal", async (_, small) => {
    const bundle = await compileAndCompare(small.model, small.specs);
    expect(await largestDifference(bundle, small)).toBe(0);
  });

  test.each(Object.entries(dynamicCases))("%s: equal", async (_, small) => {
    const bundle = await compileAndCompare(small.model, small.specs);
    expect(await largestDifference(bundle, small)).toBeLessThan(2e-5);
  });

  test.each(Object.entries(close))("%s: within one step", async (_, small) => {
    const bundle = await compileAndCompare(small.model, small.specs);
    expect(await largestDifference(bundle, small)).toBeLessThanOrEqual(0.0501);
  });

  test.each([
    [0, "u8", 130, 1e-4],
    [4, "u8", 130, 1e-12],
    [4, "i8", 2, 1e-12],
  ] as const)(
    "weights alone dequantised, in single operations, on rung %i: %s",
    async (rung, type, zero, most) => {
      const small = model([1, 3, 12], [1, 4, 12], (m, random) => {
        m.initializer("w_q", integers(random, type, [4, 3, 5])).initializer(
          "b",
          vector("f32", [1, -2, 0.5, 0]),
        );
        m.initializer("w_s", vector("f32", [0.0133])).initializer(
          "w_z",
          vector("f32", [-zero * Math.fround(0.0133)]),
        );
        m.node("Cast", ["w_q"], ["1"], { to: 1 })
          .node("Mul", ["1", "w_s"], ["2"])
          .node("Add", ["2", "w_z"], ["w"]);
        m.node("Conv", ["x", "w", "b"], ["y"], { pads: [2, 2] });
      });
      const { instructions, manifest } = await compileAndCompare(small.model, small.specs, { y: rung });
      expect(1 - manifest.accuracy.cosineMin).toBeLessThan(most);
      const dots = instructions.filter(({ accumulate }) => accumulate === "dot");
      // Activations of 24 bits in three planes by weights in one.
      expect(dots.length).toBe(rung === 4 ? 3 : 1);
      expect(dots.every(({ bZero }) => bZero === (type === "u8" ? zero : dots[0]?.bZero))).toBe(true);
    },
  );

  test("a convolution and its Relu are one instruction, in the model's integers", async () => {
    const { model: bytes, specs } = equal["Conv, Relu absorbed"] as Case;
    const { instructions } = await compileAndCompare(bytes, specs);
    expect(instructions.map((each) => [each.accumulate, each.outDtype])).toEqual([
      ["none", "u8"],
      ["dot", "u8"],
      ["none", "f32"],
    ]);
  });
});
