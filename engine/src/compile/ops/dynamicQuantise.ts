import { Elementwise } from "../elementwise.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { isConstant, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { wholeView } from "../view.ts";

const LARGEST = 3.4028234663852886e38;
const SMALLEST = 2 ** -149;
/** Larger scales count as this, so that no product of such integers overflows and nothing behind them needs a guard against NaN. */
const LARGEST_SCALE = 2 ** 64;

/**
 * DynamicQuantizeLinear: the least and the largest element widen to hold 0, scale = (max - min) / 255 (1 for 0), zero = round(clamp(0 - min / scale)).
 * Beyond the formula of docs/exact-profile.md scale and input are kept finite and the scale positive, so that no quotient is NaN.
 */
export const dynamicQuantizeLinear: Rule = {
  check(node, graph) {
    return isConstant(graph, node.inputs[0])
      ? "its data input is a constant that could not be folded"
      : undefined;
  },

  lower(node, lowering) {
    const [quantised = "", scaleName = "", zeroName = ""] = node.outputs;
    const [name = ""] = node.inputs;
    const given = lowering.plain(name);
    const input = given.view.bounds?.length ? lowering.copy(name, given) : given;
    const least = extreme(lowering, node.name, input, "min");
    const most = extreme(lowering, node.name, input, "max");

    const range = new Elementwise(lowering, `${node.name}: scale`, []);
    const [low, high] = [
      range.min(range.load(least), range.float(0)),
      range.max(range.load(most), range.float(0)),
    ];
    const step = range.clip(range.div(range.sub(high, low), range.float(255)), SMALLEST, LARGEST_SCALE);
    const isEmpty = range.equal(low, high);
    const scale = range.store(range.select(isEmpty, range.float(1), step), `${node.name}: scale`);

    const origin = new Elementwise(lowering, `${node.name}: zero point`, []);
    const below = origin.div(origin.min(origin.load(least), origin.float(0)), origin.load(scale));
    const raw = origin.sub(origin.float(0), below);
    const zero = origin.store(origin.quantise(raw, { scale: 1, zero: 0 }), `${node.name}: zero point`);

    const kernel = new Elementwise(lowering, node.name, input.dims);
    const x = kernel.clip(kernel.load(input), -LARGEST, LARGEST);
    const result = kernel.quantiseBy(x, kernel.load(scale), kernel.load(zero));
    if (quantised !== "") lowering.setPlain(quantised, kernel.store(result, quantised));
    if (scaleName !== "") lowering.setPlain(scaleName, scale);
    if (zeroName !== "") lowering.setPlain(zeroName, zero);
  },
};

/** The least or largest element of all. */
function extreme(lowering: Lowering, name: string, input: ExactValue, accumulate: "min" | "max"): ExactValue {
  const { view } = input;
  const axes = view.dims.flat().filter((axis) => axis.stride !== 0);
  const order = [...axes].sort((a, b) => Math.abs(b.stride) - Math.abs(a.stride));
  const reduced = lowering.emit(accumulate === "min" ? "ReduceMin" : "ReduceMax", [input.tensor], {
    keepdims: 0,
  });
  // onnxruntime may give a zero of either sign.
  const tensor = lowering.emit("Add", [reduced, lowering.scalar("f32", 0)]);
  const expression = new Expression();
  expression.acc();
  const role = `${name}: ${accumulate}`;
  const index = lowering.program.add(
    role,
    { tensor, shape: [1], permutation: [0] },
    {
      accumulate,
      outDtype: "f32",
      outDims: [1],
      reduceDims: order.length > 0 ? order.map((axis) => axis.size) : [1],
      operands: [
        {
          space: view.space,
          index: view.index,
          dtype: "f32",
          elements: view.elements,
          offset: view.offset,
          out: [0],
          reduce: order.length > 0 ? order.map((axis) => axis.stride) : [0],
        },
      ],
      expression: expression.operations,
    },
  );
  return { tensor, dims: [], view: wholeView("trace", index, "f32", []), type: "f32" };
}
