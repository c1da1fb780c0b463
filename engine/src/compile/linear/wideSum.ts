import { ELEMENT_TYPES, type HostTensor } from "../../onnx/tensor.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { type Layout, mapInstruction } from "../mapInstruction.ts";
import type { ExactValue } from "../values.ts";
import { broadcastView, type View } from "../view.ts";

/** The dot products of one plane of activations by one plane of weights, i32. */
export interface PartialDot {
  /** In the exact graph; undefined where that computes the whole sum at once. */
  readonly tensor: string | undefined;
  readonly view: View;
  /** What one step of it is worth in the sum. */
  readonly weight: number;
}

export interface WideSum {
  readonly lowering: Lowering;
  /** What it is, for people. */
  readonly name: string;
  /** The source value that it computes. */
  readonly output: string;
  readonly dims: readonly number[];
  readonly dots: readonly PartialDot[];
  /** The whole sum with its bias in the exact graph: integers as floats, never -0; undefined to make it of the dots. */
  readonly sum?: string | undefined;
  /** Whether that sum is multiplied by the scales already, which are powers of two then. */
  readonly isScaled?: boolean;
  /** i32; undefined for none. Broadcast to `dims`. */
  readonly biases: HostTensor | undefined;
  /** f32, broadcast to `dims`. */
  readonly scales: HostTensor;
  readonly relu: boolean;
  readonly layout: Layout;
}

/** y = f32(f32(sum of dot * weight, plus bias) * scale), with Relu in between: one instruction over the dots. */
export function emitSum(parameters: WideSum): ExactValue {
  const { lowering, name, output, dims, dots, biases, scales, relu, layout } = parameters;
  const expression = new Expression();
  const views = dots.map((dot) => dot.view);
  const operand = (tensor: HostTensor, role: string) => {
    views.push(broadcastView(lowering.constantView(`${name}/${role}`, tensor), dims));
    return expression.load(views.length - 1);
  };
  const terms = dots.map(({ weight }, k) => {
    const dot = expression.load(k);
    return weight === 1 ? dot : expression.apply("lmul", dot, expression.int(weight));
  });
  if (biases) terms.push(operand(biases, "bias"));
  const sum = terms.reduce((a, b) => expression.apply("ladd", a, b));
  const positive = relu ? expression.apply("imax", sum, expression.int(0)) : sum;
  expression.apply("fmul", expression.apply("tofloat", positive), operand(scales, "scale"));

  const tensor = graphSum(parameters);
  const view = mapInstruction(lowering.program, name, tensor, "f32", views, expression, layout);
  // A sum of int64 times a finite scale is no NaN.
  return { tensor, dims, view, type: "f32", range: rangeOf(scales, relu) };

  function graphSum({ sum: whole, isScaled }: WideSum): string {
    let real = whole ?? dotsAdded(parameters);
    if (relu) real = lowering.emit("Relu", [real], {}, `${output}_relu`);
    if (isScaled) return real;
    return lowering.emit("Mul", [real, lowering.initializer(`${name}_scale`, scales)], {}, output);
  }
}

/** The sum of dots in i64, then as f32. */
function dotsAdded({ lowering, name, dots, biases }: WideSum): string {
  const long = (tensor: string) => lowering.emit("Cast", [tensor], { to: ELEMENT_TYPES.i64.code });
  const terms = dots.map(({ tensor = "", weight }) =>
    weight === 1 ? long(tensor) : lowering.emit("Mul", [long(tensor), lowering.scalar("i64", weight)]),
  );
  if (biases) {
    const data = BigInt64Array.from(biases.data as Int32Array, BigInt);
    terms.push(lowering.initializer(`${name}_bias`, { type: "i64", dims: biases.dims, data }));
  }
  const sum = terms.reduce((a, b) => lowering.emit("Add", [a, b]));
  return lowering.emit("Cast", [sum], { to: ELEMENT_TYPES.f32.code });
}

function rangeOf(scales: HostTensor, relu: boolean) {
  let largest = 0;
  for (const scale of scales.data as Float32Array) largest = Math.max(largest, scale);
  const max = Math.min(largest * 2 ** 48, 3.4e38);
  return { min: relu ? 0 : -max, max };
}
