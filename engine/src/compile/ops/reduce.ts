import { type Graph, type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { Elementwise } from "../elementwise.ts";
import type { Lowering } from "../lowering.ts";
import { checkOperands, isConstant, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { defineMoved } from "./move.ts";
import { fixedPoint, reduceValue } from "./reduction.ts";

function check(node: GraphNode, graph: Graph): string | undefined {
  if (isConstant(graph, node.inputs[0])) return "its data input is a constant that could not be folded";
  return checkOperands(node, graph, ["axes input"]);
}

/** The dimensions a node reduces, not negative, in order; none where it does nothing. */
export function reducedAxes(node: GraphNode, lowering: Lowering): number[] {
  const rank = lowering.dims(node.inputs[0] ?? "").length;
  const given = lowering.constant(node.inputs[1] || undefined)?.data;
  if (given && given.length > 0) {
    const axes = Array.from(given, Number).map((axis) => (axis < 0 ? axis + rank : axis));
    return [...new Set(axes)].sort((a, b) => a - b);
  }
  if (intAttribute(node, "noop_with_empty_axes", 0) !== 0) return [];
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** ReduceMax, ReduceMin: on floats, on integers, and on quantised values as they are. */
function extremum(accumulate: "max" | "min"): Rule {
  return {
    check,
    lower(node, lowering) {
      const axes = reducedAxes(node, lowering);
      const keepdims = intAttribute(node, "keepdims", 1) !== 0;
      defineMoved(node, lowering, (value) => {
        if (axes.length === 0) return value;
        const { min, max } = value.range ?? { min: -Infinity, max: Infinity };
        if (value.type === "i64" && !(min >= -(2 ** 31) && max < 2 ** 31))
          throw lowering.unsupported(node, "its 64-bit integers are not proven to be within 32 bits");
        return { ...value, ...reduceValue(lowering, node.name, value, { accumulate, axes, keepdims }) };
      });
    },
  };
}

/** ReduceSum and ReduceMean. */
function total(isMean: boolean): Rule {
  return {
    check,
    lower(node, lowering) {
      const axes = reducedAxes(node, lowering);
      if (axes.length === 0) return defineMoved(node, lowering, (value) => value);
      emitTotal(node, lowering, axes, intAttribute(node, "keepdims", 1) !== 0, isMean);
    },
  };
}

/**
 * A sum over dimensions, or a mean. Floats are rounded to fixed point first, values that exist as u8 only are added up as they are; both sums
 * are exact.
 */
export function emitTotal(
  node: GraphNode,
  lowering: Lowering,
  axes: readonly number[],
  keepdims: boolean,
  isMean: boolean,
): void {
  const [input = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const { name } = node;
  const count = axes.reduce((product, axis) => product * (lowering.dims(input)[axis] as number), 1);
  const { quantised } = lowering.known(input);
  const finish = (sum: ExactValue, unit: number) => {
    const kernel = new Elementwise(lowering, name, sum.dims);
    const factor = kernel.float(isMean ? unit / count : unit);
    lowering.setPlain(output, kernel.store(kernel.mul(kernel.toFloat(kernel.load(sum)), factor), output));
  };
  const sumOf = (value: ExactValue, zero = 0) =>
    reduceValue(lowering, `${name}: sum`, value, { accumulate: "sum", axes, keepdims, zero });
  if (quantised && !lowering.hasPlain(input) && count * 255 < 2 ** 31) {
    const value = quantised();
    finish(sumOf(value, value.quantisation.zero), value.quantisation.scale);
    return;
  }
  const value = lowering.plain(input);
  if (value.type === "f32") {
    const fixed = fixedPoint(lowering, name, input, axes, count);
    finish(sumOf(fixed.value), fixed.unit);
    return;
  }
  lowering.setPlain(output, integerTotal(node, lowering, value, count, isMean, sumOf));
}

/** Integers are added up in i64, where the sum of so many i32 cannot overflow, and wrap afterwards. */
function integerTotal(
  node: GraphNode,
  lowering: Lowering,
  value: ExactValue,
  count: number,
  isMean: boolean,
  sumOf: (value: ExactValue) => ExactValue,
): ExactValue {
  const { min, max } =
    value.range ??
    (value.type === "i64" ? { min: -(2 ** 63), max: 2 ** 63 } : { min: -(2 ** 31), max: 2 ** 31 });
  const most = Math.max(-min, max) * count;
  if (most >= 2 ** 53) throw lowering.unsupported(node, "its sum is not proven to stay within 53 bits");
  let summed = value;
  if (value.type === "i32" && most >= 2 ** 31) {
    const kernel = new Elementwise(lowering, `${node.name}: widen`, value.dims);
    summed = kernel.store(kernel.castInt(kernel.load(value), "i64"), `${node.name}: widen`);
  }
  const sum = sumOf(summed);
  if (sum.type === value.type && !isMean) return sum;
  const kernel = new Elementwise(lowering, node.name, sum.dims);
  const loaded = kernel.load(sum);
  const result = isMean ? kernel.integerDiv(loaded, kernel.int(count, sum.type as "i64")) : loaded;
  return kernel.store(kernel.castInt(result, value.type as "i32"), node.outputs[0] ?? "");
}

/** Reductions; the others are taken apart into these. */
export const REDUCTIONS: readonly (readonly [string, Rule])[] = [
  ["ReduceMax", extremum("max")],
  ["ReduceMean", total(true)],
  ["ReduceMin", extremum("min")],
  ["ReduceSum", total(false)],
];
