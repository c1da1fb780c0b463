import { expect, test } from "vitest";
import type { InputSample, InputSpec } from "../inputs/readInputs.ts";
import type { AttributeInput } from "../onnx/build.ts";
import {
  ELEMENT_TYPES,
  type ElementType,
  type HostTensor,
  numbersOf,
  tensorFromBytes,
} from "../onnx/tensor.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { openModel } from "../run/session.ts";
import { compileAndCompare, randomSamples, randomTensor, typedModel } from "../testing/compileSmall.ts";

type Small = ReturnType<typeof typedModel>;

/** y = op(scale x + shift) of floats. */
function unary(
  op: string,
  attributes: Record<string, AttributeInput> = {},
  [scale, shift]: readonly [number, number] = [1, 0],
  opset = 17,
): Small {
  const sizes = [2, 3, 4];
  const scalar = (value: number): HostTensor => ({ type: "f32", dims: [], data: Float32Array.of(value) });
  return typedModel(opset, { x: ["f32", sizes] }, { y: ["f32", sizes] }, (m) => {
    m.initializer("scale", scalar(scale)).initializer("shift", scalar(shift));
    m.node("Mul", ["x", "scale"], ["scaled"]).node("Add", ["scaled", "shift"], ["argument"]);
    m.node(op, ["argument"], ["y"], attributes);
  });
}

function einsum(equation: string, y: readonly number[], ...operands: readonly (readonly number[])[]): Small {
  const inputs = Object.fromEntries(operands.map((dims, k) => [`x${k}`, ["f32", dims] as const]));
  return typedModel(17, inputs, { y: ["f32", y] }, (m) =>
    m.node("Einsum", Object.keys(inputs), ["y"], { equation }),
  );
}

function ofRows(op: string, y: number, attributes: Record<string, AttributeInput>, labels = false): Small {
  const outputs = { ...(labels ? { label: ["i64", [3]] as const } : {}), y: ["f32", [3, y]] as const };
  return typedModel(17, { x: ["f32", [3, 4]] }, outputs, (m) =>
    m.node(`ai.onnx.ml.${op}`, ["x"], Object.keys(outputs), attributes),
  );
}

function image(
  op: string,
  from: readonly number[],
  to: readonly number[],
  attributes: Record<string, AttributeInput>,
): Small {
  return typedModel(18, { x: ["f32", from] }, { y: ["f32", to] }, (m) =>
    m.node(op, ["x"], ["y"], attributes),
  );
}

function cast(from: ElementType, to: ElementType, scale: number): Small {
  return typedModel(17, { x: [from, [40]] }, { y: [to, [40]] }, (m) => {
    m.initializer("scale", { type: "f32", dims: [], data: Float32Array.of(scale) });
    m.node("Mul", ["x", "scale"], ["scaled"]).node("Cast", ["scaled"], ["y"], { to: ELEMENT_TYPES[to].code });
  });
}

const coefficients = { floats: [1, 2, -1, 0.5, 0.1, 1, 1, 2, -1, -2, 0.5, 0.25] };
const intercepts = { floats: [0.5, -0.5, 0] };

const cases: Record<string, readonly [Small, tolerance: number]> = {
  Tan: [unary("Tan"), 1e-5],
  Sinh: [unary("Sinh", {}, [3, 0]), 1e-5],
  Cosh: [unary("Cosh", {}, [3, 0]), 1e-5],
  Asinh: [unary("Asinh", {}, [5, 0]), 1e-5],
  Acosh: [unary("Acosh", {}, [2, 3.5]), 1e-5],
  Atanh: [unary("Atanh", {}, [0.9, 0]), 1e-5],
  Asin: [unary("Asin", {}, [1, 0]), 1e-6],
  Acos: [unary("Acos", {}, [1, 0]), 1e-6],
  Atan: [unary("Atan", {}, [6, 0]), 1e-6],
  LRN: [
    image("LRN", [2, 5, 3, 2], [2, 5, 3, 2], {
      size: 3,
      alpha: { float: 0.3 },
      beta: { float: 0.6 },
      bias: { float: 1.5 },
    }),
    1e-5,
  ],
  LpPool: [
    image("LpPool", [1, 2, 7, 6], [1, 2, 4, 3], {
      kernel_shape: [3, 2],
      strides: [2, 2],
      pads: [1, 0, 1, 0],
    }),
    1e-6,
  ],
  "LpPool of p 3, SAME_UPPER": [
    image("LpPool", [1, 2, 7], [1, 2, 4], { kernel_shape: [3], strides: [2], p: 3, auto_pad: "SAME_UPPER" }),
    1e-4,
  ],
  GlobalLpPool: [image("GlobalLpPool", [2, 3, 4, 5], [2, 3, 1, 1], { p: 1 }), 1e-5],
  Shrink: [unary("Shrink", { lambd: { float: 0.4 }, bias: { float: 0.25 } }), 0],
  "Hardmax along an axis": [unary("Hardmax", { axis: -2 }), 0],
  "Hardmax of opset 11, over all dimensions behind": [unary("Hardmax", { axis: 1 }, [1, 0], 11), 0],
  "Relu of bytes": [
    typedModel(14, { x: ["i8", [12]] }, { y: ["i8", [12]] }, (m) => m.node("Relu", ["x"], ["y"])),
    0,
  ],
  "Cast of large floats to i64": [cast("f32", "i64", 1e12), 0],
  "Cast of small floats to i64": [cast("f32", "i64", 9), 0],
  "Einsum, a product of matrices in batches": [einsum("bij,bjk->bik", [2, 3, 5], [2, 3, 4], [2, 4, 5]), 0.02],
  "Einsum, the scores of attention": [
    einsum("bhid,bhjd->bhij", [1, 2, 3, 5], [1, 2, 3, 4], [1, 2, 5, 4]),
    0.02,
  ],
  "Einsum, an outer product": [einsum("i,j->ij", [2, 3], [2], [3]), 0.02],
  "Einsum, a transposed matrix": [einsum("ij->ji", [3, 2], [2, 3]), 0],
  "Einsum, sums": [einsum("ij,kl->lj", [5, 3], [2, 3], [4, 5]), 0.02],
  "Einsum without a result": [einsum("ij,jk", [2, 4], [2, 3], [3, 4]), 0.02],
  "Normalizer MAX": [ofRows("Normalizer", 4, { norm: "MAX" }), 1e-5],
  "Normalizer L1": [ofRows("Normalizer", 4, { norm: "L1" }), 1e-5],
  "Normalizer L2": [ofRows("Normalizer", 4, { norm: "L2" }), 1e-5],
  Binarizer: [ofRows("Binarizer", 4, { threshold: { float: 0.2 } }), 0],
  LinearRegressor: [ofRows("LinearRegressor", 3, { coefficients, intercepts, targets: 3 }), 0.02],
  LinearClassifier: [
    ofRows(
      "LinearClassifier",
      3,
      { coefficients, intercepts, classlabels_ints: [3, 5, 7], multi_class: 1, post_transform: "SOFTMAX" },
      true,
    ),
    0.02,
  ],
};

test.each(Object.entries(cases))("%s is what onnxruntime gives", async (_, [{ model, specs }, tolerance]) => {
  const bundle = await compileAndCompare(model, specs);
  const source = await createSession(model, { intraOpNumThreads: 1 });
  const exact = await openModel(bundle, { intraOpNumThreads: 1 });
  for (const sample of randomSamples(specs as readonly InputSpec[], 3, 1)) {
    const expected: InputSample = await runSession(source, sample);
    const results = await exact.run(sample);
    for (const [index, { name, dtype, shape }] of bundle.manifest.outputs.entries()) {
      const actual = tensorFromBytes(dtype, shape, results[index] as Uint8Array);
      const want = expected[name] as HostTensor;
      expect(actual.dims).toEqual(want.dims);
      const [got, right] = [numbersOf(actual) ?? [], numbersOf(want) ?? []];
      const largest = Math.max(1, ...right.map(Math.abs));
      const worst = Math.max(...right.map((value, k) => Math.abs(value - (got[k] as number))));
      expect(worst).toBeLessThanOrEqual(tolerance * largest);
    }
  }
  await exact.release();
  await source.release();
});

test("a clipped LSTM does not clip the cell state, as in onnxruntime", async () => {
  const inputs = { x: ["f32", [3, 2, 2]] } as const;
  const { model, specs } = typedModel(14, inputs, { y: ["f32", [3, 1, 2, 3]] }, (m, random) => {
    m.initializer("w", randomTensor(random, [1, 12, 2])).initializer("r", randomTensor(random, [1, 12, 3]));
    m.initializer("h", randomTensor(random, [1, 2, 3])).initializer(
      "c",
      randomTensor(random, [1, 2, 3], -3, 3),
    );
    m.node("LSTM", ["x", "w", "r", "", "", "h", "c"], ["y"], { hidden_size: 3, clip: { float: 0.2 } });
  });
  const { manifest } = await compileAndCompare(model, specs);
  expect(manifest.accuracy.cosineMin).toBeGreaterThan(0.999);
});
