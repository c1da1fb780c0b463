import { FatalError } from "@surety/protocol";
import type { GraphNode } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, type HostTensor } from "../../onnx/tensor.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { mapInstruction } from "../mapInstruction.ts";
import { quantiseActivation } from "../quantisation.ts";
import type { ExactValue, QuantisedValue } from "../values.ts";
import type { View } from "../view.ts";
import { type ActivationLoops, activationLoops } from "./activationLoops.ts";
import { F32_EXACT } from "./rung.ts";
import {
  mostIntegers,
  type Plane,
  type WideActivation,
  wideActivation,
  wideRange,
} from "./wideActivation.ts";
import { emitSum, type PartialDot } from "./wideSum.ts";

/** Fewer integers to each side of 0 are not worth a rung: u8 has 127. */
const LEAST_INTEGERS = 256;

/**
 * MatMul of two activations (or of one and constants with a batch): u8 by u8 on rungs 0 and 1, on rung 2 as many bits as f32 sums exactly or 16 if that
 * would be too few, on rung 3 16 bits of both. The result is f32.
 */
export function emitActivationProduct(node: GraphNode, lowering: Lowering): void {
  const value = lowering.rung(node) < 2 ? byteProduct(node, lowering) : wideProduct(node, lowering);
  lowering.setPlain(node.outputs[0] ?? "", value);
}

function byteProduct(node: GraphNode, lowering: Lowering): ExactValue {
  const [left = "", right = "", output = ""] = [...node.inputs, ...node.outputs];
  const a = byteOperand(lowering, left);
  const b = byteOperand(lowering, right);
  const dims = lowering.dims(output);
  const scale = Math.fround(a.quantisation.scale * b.quantisation.scale);
  const zeros = [a, b].map(({ quantisation }) => lowering.scalar("u8", quantisation.zero));
  const sum = lowering.emit("MatMulInteger", [a.tensor, b.tensor, ...zeros], {}, `${output}_sum`);
  const real = lowering.emit("Cast", [sum], { to: ELEMENT_TYPES.f32.code });
  const tensor = lowering.emit("Mul", [real, lowering.scalar("f32", scale)], {}, output);

  const loops = loopsOf(lowering, node.name, a.view, b.view, dims);
  const expression = new Expression();
  expression.apply("fmul", expression.apply("tofloat", expression.acc()), expression.float(scale));
  const zeroPoints = [a.quantisation.zero, b.quantisation.zero] as const;
  const view = addDot(lowering, node.name, tensor, loops, zeroPoints, "f32", expression);
  const most = Math.min(255 * 255 * (a.dims.at(-1) as number), 2 ** 31) * scale;
  return { tensor, dims, view, type: "f32", range: { min: -most, max: most } };
}

function wideProduct(node: GraphNode, lowering: Lowering): ExactValue {
  const [left = "", right = "", output = ""] = [...node.inputs, ...node.outputs];
  const dims = lowering.dims(output);
  const inner = lowering.dims(left).at(-1) as number;
  const fitting = Math.floor(Math.sqrt((F32_EXACT - 1) / inner));
  const fits = lowering.rung(node) === 2 && fitting >= LEAST_INTEGERS;
  const operand = (name: string) => {
    const constant = lowering.constant(name);
    if (constant) return wideConstant(lowering, name, constant, fits ? fitting : 32767);
    const most = mostIntegers(wideRange(lowering, name));
    return wideActivation(lowering, name, {
      most: fits ? Math.min(most, fitting) : most,
      inPlanes: false,
      layout: "as-first",
    });
  };
  const [a, b] = [operand(left), operand(right)];
  const dots = a.planes.flatMap((first) =>
    b.planes.map((second): PartialDot => {
      const role = `${node.name}: dot ${first.weight}x${second.weight}`;
      const loops = loopsOf(lowering, role, first.view, second.view, dims);
      const expression = new Expression();
      expression.acc();
      const view = addDot(lowering, role, null, loops, [first.zero, second.zero], "i32", expression);
      return { tensor: undefined, view, weight: first.weight * second.weight };
    }),
  );
  const scale = Math.fround(a.scale * b.scale);
  return emitSum({
    lowering,
    name: node.name,
    output,
    dims,
    dots,
    sum: integerProduct(lowering, a.tensor, b.tensor, a.most * b.most * inner, undefined),
    biases: undefined,
    scales: { type: "f32", dims: [], data: Float32Array.of(scale) },
    relu: false,
    layout: "row-major",
  });
}

/**
 * MatMul of integers kept as f32 in the exact graph: in f32 where `bound` allows, else in f64. Sums begin at +0, so none is -0.
 * @param biases integers to add to every row
 */
export function integerProduct(
  lowering: Lowering,
  left: string,
  right: string | HostTensor,
  bound: number,
  biases: Int32Array | undefined,
): string {
  const type = bound < F32_EXACT ? "f32" : "f64";
  const array = ELEMENT_TYPES[type].array as typeof Float32Array;
  const convert = (name: string) =>
    type === "f32" ? name : lowering.emit("Cast", [name], { to: ELEMENT_TYPES.f64.code });
  const second =
    typeof right === "string"
      ? convert(right)
      : lowering.initializer("matrix", {
          type,
          dims: right.dims,
          data: array.from(right.data as Int32Array),
        });
  let sum = lowering.emit("MatMul", [convert(left), second], {}, "sum");
  if (biases) {
    const bias = lowering.initializer("bias", { type, dims: [biases.length], data: array.from(biases) });
    sum = lowering.emit("Add", [sum, bias]);
  }
  return type === "f32" ? sum : lowering.emit("Cast", [sum], { to: ELEMENT_TYPES.f32.code });
}

function addDot(
  lowering: Lowering,
  name: string,
  tensor: string | null,
  loops: ActivationLoops,
  [aZero, bZero]: readonly [number, number],
  outDtype: "i32" | "f32",
  expression: Expression,
): View {
  const { outDims, reduceDims, operands, result } = loops;
  const source =
    tensor === null ? null : { tensor, shape: outDims, permutation: outDims.map((_, axis) => axis) };
  const draft = { outDtype, outDims, reduceDims, aZero, bZero, operands, expression: expression.operations };
  return result(lowering.program.add(name, source, { accumulate: "dot", ...draft }), outDtype);
}

/** The loops of a product of two views; both are copied row-major first where their axes cannot be cut alike. */
export function loopsOf(
  lowering: Lowering,
  name: string,
  a: View,
  b: View,
  dims: readonly number[],
): ActivationLoops {
  const loops =
    activationLoops(a, b, dims) ??
    activationLoops(copied(lowering, name, a), copied(lowering, name, b), dims);
  if (!loops) throw new FatalError("COMPILE_INTERNAL", `${name}: row-major matrices do not fit together.`);
  return loops;
}

/** A row-major copy that the exact graph does not have. */
export function copied(lowering: Lowering, name: string, view: View): View {
  const expression = new Expression();
  expression.load(0);
  return mapInstruction(lowering.program, `${name}: copy`, null, view.dtype, [view], expression, "row-major");
}

/** An operand as u8; a constant gets one scale. */
function byteOperand(lowering: Lowering, name: string): QuantisedValue {
  const constant = lowering.constant(name);
  if (!constant) return lowering.quantised(name);
  const quantisation = quantiseActivation({ ...extremes(constant), ...NO_DISTRIBUTION }, `"${name}"`);
  const { scale, zero } = quantisation;
  const data = Uint8Array.from(constant.data as Float32Array, (value) =>
    Math.min(255, Math.max(0, Math.round(value / scale) + zero)),
  );
  const bytes: HostTensor = { type: "u8", dims: constant.dims, data };
  const tensor = lowering.initializer(`${name}_u8`, bytes);
  const view = lowering.constantView(`${name}/u8`, bytes);
  return { tensor, dims: constant.dims, view, type: "u8", quantisation };
}

const NO_DISTRIBUTION = {
  type: "f32",
  dims: [],
  histogram: new Float64Array(0),
  channelMeans: new Float64Array(0),
  lastMeans: new Float64Array(0),
} as const;

function extremes({ data }: HostTensor): { min: number; max: number } {
  let [min, max] = [Infinity, -Infinity];
  for (const value of data as Float32Array) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { min, max };
}

/** A constant as integers of at most `most` to each side of 0. */
function wideConstant(lowering: Lowering, name: string, constant: HostTensor, most: number): WideActivation {
  const { min, max } = extremes(constant);
  const scale = Math.fround(Math.max(Math.abs(min), Math.abs(max), 1e-30) / most);
  const integers = Float32Array.from(constant.data as Float32Array, (value) =>
    Math.min(most, Math.max(-most, Math.round(value / scale))),
  );
  const { dims } = constant;
  const plane = (weight: 1 | 256, zero: number, write: (value: number) => number): Plane => {
    const bytes: HostTensor = { type: "u8", dims, data: Uint8Array.from(integers, write) };
    return { view: lowering.constantView(`${name}/plane ${weight}`, bytes), tensor: undefined, zero, weight };
  };
  return {
    tensor: lowering.initializer(`${name}_integers`, { type: "f32", dims, data: integers }),
    dims,
    scale,
    most,
    planes: [
      plane(256, 128, (value) => Math.floor((value + 32768) / 256)),
      plane(1, 0, (value) => (value + 32768) & 255),
    ],
  };
}
