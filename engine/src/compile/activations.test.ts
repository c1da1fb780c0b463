import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../onnx/build.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import { tensorFromBytes } from "../onnx/tensor.ts";
import { openModel } from "../run/session.ts";
import { compileAndCompare, smallModel } from "../testing/compileSmall.ts";
import { erf } from "./prepare/erf.ts";

interface Case {
  readonly op: string;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly exponent?: number;
  readonly value: (x: number) => number;
  /** Allowed: this times the larger of |value| and `floor`. */
  readonly relative: number;
  readonly floor?: number;
  /** Where the formula holds; elsewhere only finiteness is asked for. */
  readonly from?: number;
  readonly to?: number;
}

const LARGEST = 3.4028234663852886e38;
const gelu = (x: number) => (x > 20 ? x : x < -20 ? 0 : (x / 2) * (1 + erf(x / Math.SQRT2)));
const geluTanh = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const elu = (x: number, alpha: number) => (x > 0 ? x : alpha * Math.expm1(x));
const f = Math.fround;

const cases: readonly Case[] = [
  { op: "Exp", value: Math.exp, relative: 1e-6, floor: 5e-32, to: 88.72 },
  { op: "Log", value: Math.log, relative: 1e-6, floor: 0.1, from: 1.2e-38 },
  { op: "Tanh", value: Math.tanh, relative: 4e-7 },
  { op: "Sigmoid", value: (x) => 1 / (1 + Math.exp(-x)), relative: 2e-7, floor: 1 },
  { op: "Erf", value: (x) => (Math.abs(x) > 6 ? Math.sign(x) : erf(x)), relative: 5e-7 },
  { op: "Gelu", value: gelu, relative: 1.2e-6, floor: 1 },
  { op: "Gelu", attributes: { approximate: "tanh" }, value: geluTanh, relative: 1e-6, floor: 1 },
  { op: "Softplus", value: softplus, relative: 2e-7, floor: 1 },
  { op: "Mish", value: (x) => x * Math.tanh(softplus(x)), relative: 1e-6, floor: 0.1 },
  { op: "Elu", attributes: { alpha: { float: 1.5 } }, value: (x) => elu(x, 1.5), relative: 1e-6 },
  {
    op: "Celu",
    attributes: { alpha: { float: 2 } },
    value: (x) => (x > 0 ? x : 2 * Math.expm1(x / 2)),
    relative: 1e-6,
  },
  {
    op: "Selu",
    value: (x) => 1.0507009873554805 * elu(x, 1.6732632423543772),
    relative: 1e-6,
    to: LARGEST / 2,
  },
  { op: "HardSigmoid", value: (x) => Math.min(1, Math.max(0, f(0.2) * x + 0.5)), relative: 1e-7, floor: 1 },
  { op: "HardSwish", value: (x) => (x > 3 ? x : x < -3 ? 0 : (x * (x + 3)) / 6), relative: 2e-7, floor: 1 },
  { op: "LeakyRelu", attributes: { alpha: { float: 0.25 } }, value: (x) => (x > 0 ? x : x / 4), relative: 0 },
  {
    op: "LeakyRelu",
    attributes: { alpha: { float: 2 } },
    value: (x) => (x > 0 ? x : x * 2),
    relative: 0,
    from: -LARGEST / 2,
  },
  { op: "Softsign", value: (x) => x / (1 + Math.abs(x)), relative: 2e-7 },
  {
    op: "ThresholdedRelu",
    attributes: { alpha: { float: 0.5 } },
    value: (x) => (x > 0.5 ? x : 0),
    relative: 0,
  },
  { op: "Relu", value: (x) => Math.max(x, 0), relative: 0 },
  { op: "Sin", value: Math.sin, relative: 4e-7, floor: 1, from: -50_000, to: 50_000 },
  { op: "Cos", value: Math.cos, relative: 4e-7, floor: 1, from: -50_000, to: 50_000 },
  { op: "Abs", value: Math.abs, relative: 0 },
  { op: "Neg", value: (x) => -x, relative: 0 },
  { op: "Sign", value: Math.sign, relative: 0 },
  { op: "Floor", value: Math.floor, relative: 0 },
  { op: "Ceil", value: Math.ceil, relative: 0 },
  {
    op: "Round",
    value: (x) => (Math.abs(x) < 2 ** 23 ? f(f(x + Math.sign(x) * 2 ** 23) - Math.sign(x) * 2 ** 23) : x),
    relative: 0,
  },
  { op: "Sqrt", value: (x) => f(Math.sqrt(x)), relative: 0, from: 0 },
  { op: "Pow", exponent: 2, value: (x) => f(x * x), relative: 0 },
  { op: "Pow", exponent: 3, value: (x) => f(f(x * x) * x), relative: 0 },
  { op: "Pow", exponent: -0.5, value: (x) => 1 / Math.sqrt(x), relative: 2e-7, from: 2 ** -149 },
  { op: "Pow", exponent: 1.5, value: (x) => f(x * f(Math.sqrt(x))), relative: 0, from: 0 },
  { op: "Pow", exponent: 0.3, value: (x) => Math.abs(x) ** 0.3, relative: 1e-5, floor: 5e-7 },
  { op: "Pow", exponent: 101, value: (x) => x ** 101, relative: 1e-5, floor: 1e-32, from: -2, to: 2 },
  { op: "Reciprocal", value: (x) => f(1 / x), relative: 0 },
];

const COUNT = 1 << 14;

/** All magnitudes of both signs, a dense grid around 0, and the numbers at the ends. */
function everywhere(): Float32Array {
  const values = new Float32Array(COUNT);
  const third = Math.floor(COUNT / 3);
  for (let k = 0; k < third; k++) {
    const magnitude = 2 ** (-149 + (277 * k) / third);
    values[3 * k] = magnitude;
    values[3 * k + 1] = -magnitude;
    values[3 * k + 2] = (100 * (2 * k - third)) / third + 1e-3;
  }
  values.set([0, -0, Infinity, -Infinity, LARGEST, -LARGEST, 1, -1, 2 ** -126, 88.72, -87, 50_000, -50_000]);
  return values;
}

/** Runs the compiled op on values anywhere. */
async function run({ op, attributes, exponent }: Case, x: Float32Array): Promise<Float32Array> {
  const { model, specs } = smallModel(21, { x: [x.length] }, { y: [x.length] }, (m) => {
    if (exponent !== undefined)
      m.initializer("c", { type: "f32", dims: [], data: Float32Array.of(exponent) });
    m.node(op, exponent === undefined ? ["x"] : ["x", "c"], ["y"], attributes ?? {});
  });
  const bundle = await compileAndCompare(model, specs);
  const session = await openModel(bundle, { intraOpNumThreads: 1 });
  try {
    const [bytes] = await session.run({ x: { type: "f32", dims: [x.length], data: x } as HostTensor });
    return tensorFromBytes("f32", [x.length], bytes as Uint8Array).data as Float32Array;
  } finally {
    await session.release();
  }
}

describe("float functions on all of binary32, against double precision", () => {
  test.each(cases)("$op $attributes $exponent", async (tested) => {
    const { value, relative, floor = 0, from, to } = tested;
    const x = everywhere();
    const y = await run(tested, x);
    let worst = { ratio: 0, at: 0, got: 0, expected: 0 };
    x.forEach((at, k) => {
      const got = y[k] as number;
      expect(Number.isNaN(got)).toBe(false);
      if (at < (from ?? -Infinity) || at > (to ?? Infinity)) return;
      const expected = value(at);
      // Equal, infinities included; zeros of either sign are one.
      if (got === f(expected) || got === expected) return;
      const ratio = Math.abs(got - expected) / Math.max(Math.abs(expected), floor, 2 ** -126);
      if (!(ratio <= worst.ratio)) worst = { ratio, at, got, expected };
    });
    expect(worst.ratio, JSON.stringify(worst)).toBeLessThanOrEqual(relative);
  });
});
