import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { Elementwise } from "../elementwise.ts";
import { expOfNegative } from "../functions/exponential.ts";
import { log } from "../functions/logarithm.ts";
import type { Lowering } from "../lowering.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { reduceValue } from "./reduction.ts";

/** The parts that Softmax and LogSoftmax share. */
interface Exponentials {
  /** x minus the largest x of its row. */
  readonly distances: ExactValue;
  /** e^distance in units of 1 / `one`, as i32. */
  readonly exponentials: ExactValue;
  /** Their sum over the row, at least `one`. */
  readonly sums: ExactValue;
  readonly one: number;
}

/**
 * The exponentials in fixed point, so that their sum is exact: 23 bits for rows of up to 255 elements, one less for each doubling beyond. Their
 * own error is below 6e-7.
 */
function exponentials(node: GraphNode, lowering: Lowering): Exponentials {
  const { name } = node;
  const [input = ""] = node.inputs;
  const dims = lowering.dims(input);
  const given = intAttribute(node, "axis", -1);
  const axes = [given < 0 ? given + dims.length : given];
  const count = dims[axes[0] as number] as number;
  const one = 2 ** Math.min(23, Math.floor(Math.log2((2 ** 31 - 1) / count)));

  const over = { axes, keepdims: true } as const;
  const largest = largestOf(node, lowering, over);
  const start = new Elementwise(lowering, `${name}: distance`, dims);
  const distances = start.store(start.sub(start.operand(input), largest(start)), `${name}: distance`, {
    innermost: axes,
  });
  const kernel = new Elementwise(lowering, `${name}: exponential`, dims);
  const power = kernel.min(expOfNegative(kernel, kernel.load(distances)), kernel.float(1));
  const scaled = kernel.round(kernel.mul(power, kernel.float(one)));
  const exponentials = kernel.store(kernel.toInt32(scaled), `${name}: exponential`, { innermost: axes });
  const sums = reduceValue(lowering, `${name}: sum`, exponentials, { accumulate: "sum", ...over });
  return { distances, exponentials, sums, one };
}

/** The row's largest element, of the form that is at hand. */
function largestOf(
  node: GraphNode,
  lowering: Lowering,
  over: { readonly axes: readonly number[]; readonly keepdims: true },
) {
  const [input = ""] = node.inputs;
  const { plain, quantised } = lowering.known(input);
  const label = `${node.name}: largest`;
  if (quantised && !(plain && plain.view.space === "trace")) {
    const value = quantised();
    const largest = { ...value, ...reduceValue(lowering, label, value, { accumulate: "max", ...over }) };
    return (kernel: Elementwise) => kernel.dequantised(largest);
  }
  const largest = reduceValue(lowering, label, lowering.plain(input), { accumulate: "max", ...over });
  return (kernel: Elementwise) => kernel.load(largest);
}

function checkSoftmax(node: GraphNode, graph: Parameters<Rule["check"]>[1]): string | undefined {
  return checkOperands(node, graph, []);
}

/** e^(x - largest) over its sum. */
const softmax: Rule = {
  check: checkSoftmax,
  lower(node, lowering) {
    const [output = ""] = node.outputs;
    const { exponentials: powers, sums, one } = exponentials(node, lowering);
    const kernel = new Elementwise(lowering, node.name, powers.dims);
    // The largest element alone gives `one`; the maximum says so to the ranges.
    const sum = kernel.max(kernel.toFloat(kernel.load(sums)), kernel.float(one));
    lowering.setPlain(output, kernel.store(kernel.div(kernel.toFloat(kernel.load(powers)), sum), output));
  },
};

/** (x - largest) - ln of the sum. */
const logSoftmax: Rule = {
  check: checkSoftmax,
  lower(node, lowering) {
    const [output = ""] = node.outputs;
    const { distances, sums, one } = exponentials(node, lowering);
    const rows = new Elementwise(lowering, `${node.name}: log`, sums.dims);
    const share = rows.mul(rows.toFloat(rows.load(sums)), rows.float(1 / one));
    const logarithms = rows.store(log(rows, share), `${node.name}: log`);
    const kernel = new Elementwise(lowering, node.name, distances.dims);
    const result = kernel.sub(kernel.load(distances), kernel.load(logarithms));
    lowering.setPlain(output, kernel.store(result, output));
  },
};

export const SOFTMAX: readonly (readonly [string, Rule])[] = [
  ["LogSoftmax", logSoftmax],
  ["Softmax", softmax],
];
