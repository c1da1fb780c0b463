import type { HostTensor } from "../../onnx/tensor.ts";
import type { Elementwise, Term } from "../elementwise.ts";
import { isConstant, type Rule } from "../rule.ts";
import { elementwise } from "./elementwise.ts";

/** An op of any number of operands of one type, taken two at a time. */
function folded(
  float: (kernel: Elementwise, a: Term, b: Term) => Term,
  int: (kernel: Elementwise, a: Term, b: Term) => Term,
): Rule {
  return elementwise((kernel, operands) => {
    const [first, ...rest] = operands as [Term, ...Term[]];
    const result = rest.reduce((a, b) => (a.type === "f32" ? float(kernel, a, b) : int(kernel, a, b)), first);
    return first.type === "u8" || first.type === "i8" ? kernel.castInt(result, first.type) : result;
  });
}

const max = folded(
  (kernel, a, b) => kernel.max(a, b),
  (kernel, a, b) => kernel.integerMax(a, b),
);
const min = folded(
  (kernel, a, b) => kernel.min(a, b),
  (kernel, a, b) => kernel.integerMin(a, b),
);

/** Sum, and Mean: divided by the number of operands. */
const sum = folded(
  (kernel, a, b) => kernel.add(a, b),
  (kernel, a, b) => kernel.integer("Add", a, b),
);
const mean = elementwise((kernel, operands) => {
  const [first, ...rest] = operands as [Term, ...Term[]];
  const total = rest.reduce((a, b) => kernel.add(a, b), first);
  return kernel.div(total, kernel.float(operands.length));
});

/** Integers are never divided by 0 (see SAFE_INTEGERS). */
const div = folded(
  (kernel, a, b) => kernel.div(a, b),
  (kernel, a, b) => kernel.integerDiv(a, b),
);

/** Clip: min(max(x, low), high), either of them left out. */
const clip: Rule = elementwise((kernel, operands, node) => {
  const [x, ...limits] = operands as [Term, ...Term[]];
  const isInt = x.type !== "f32";
  const low = node.inputs[1] ? (limits.shift() as Term) : undefined;
  const high = limits.shift();
  const raised = low ? (isInt ? kernel.integerMax(x, low) : kernel.max(x, low)) : x;
  const result = high ? (isInt ? kernel.integerMin(raised, high) : kernel.min(raised, high)) : raised;
  if (isInt) return x.type === "bool" ? result : kernel.castInt(result, x.type);
  return result;
});

/** -1, 0 or 1. */
const sign = elementwise((kernel, [operand]) => {
  const x = operand as Term;
  if (x.type === "f32") {
    const zero = kernel.float(0);
    return kernel.sub(kernel.toFloat(kernel.less(zero, x)), kernel.toFloat(kernel.less(x, zero)));
  }
  const type = x.type === "i64" ? "i64" : "i32";
  const wide = kernel.castInt(x, type);
  const result = kernel.integerMin(kernel.integerMax(wide, kernel.int(-1, type)), kernel.int(1, type));
  return x.type === "bool" ? result : kernel.castInt(result, x.type);
});

/** A constant exponent that square roots, reciprocals and multiplications give. */
export function simpleExponent(exponent: HostTensor | undefined): number | undefined {
  if (exponent?.data.length !== 1) return undefined;
  const value = Number(exponent.data[0]);
  return Number.isInteger(2 * value) && Math.abs(value) <= 64 ? value : undefined;
}

/** Pow by a constant that is half an integer: squarings and multiplications, a square root, a reciprocal. Others are taken apart before. */
const pow: Rule = {
  check(node, graph) {
    if (isConstant(graph, node.inputs[0])) return "its base is a constant and its exponent is not";
    return simpleExponent(graph.initializers.get(node.inputs[1] ?? "")) === undefined
      ? "its exponent is not a constant"
      : undefined;
  },
  lower(node, lowering) {
    const exponent = simpleExponent(lowering.constant(node.inputs[1])) ?? 1;
    elementwise((kernel, operands) => {
      const x = operands[0] as Term;
      if (x.type !== "f32") {
        if (!Number.isInteger(exponent) || exponent < 0)
          throw lowering.unsupported(node, "its integers are raised to no natural number");
        return power(x, exponent, (a, b) => kernel.integer("Mul", a, b)) ?? kernel.int(1, x.type as "i32");
      }
      const whole = Math.floor(Math.abs(exponent));
      let result = power(x, whole, (a, b) => kernel.mul(a, b));
      if (whole !== Math.abs(exponent)) {
        const root = kernel.sqrt(x);
        result = result ? kernel.mul(result, root) : root;
      }
      result ??= kernel.float(1);
      return exponent < 0 ? kernel.div(kernel.float(1), result) : result;
    }).lower(node, lowering);
  },
};

/** x^n by squaring; undefined for n = 0. */
function power(x: Term, n: number, multiply: (a: Term, b: Term) => Term): Term | undefined {
  let result: Term | undefined;
  let square = x;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result ? multiply(result, square) : square;
    if (rest > 1) square = multiply(square, square);
  }
  return result;
}

const float = (formula: (kernel: Elementwise, x: Term) => Term) =>
  elementwise((kernel, [x]) => formula(kernel, x as Term));

/** Arithmetic of floats; where it makes sense of integers too. */
export const ARITHMETIC: readonly (readonly [string, Rule])[] = [
  [
    "Abs",
    float((kernel, x) => {
      if (x.type === "f32") return kernel.abs(x);
      if (x.type === "u8" || x.type === "bool") return x;
      const negated = kernel.integer("Sub", kernel.int(0, x.type), x);
      return kernel.castInt(kernel.integerMax(x, negated), x.type);
    }),
  ],
  ["Ceil", float((kernel, x) => kernel.ceil(x))],
  ["Clip", clip],
  ["Div", div],
  ["Floor", float((kernel, x) => kernel.floor(x))],
  ["Max", max],
  ["Mean", mean],
  ["Min", min],
  [
    "Neg",
    float((kernel, x) => {
      if (x.type === "f32") return kernel.neg(x);
      const type = x.type === "i64" ? "i64" : "i32";
      return kernel.castInt(kernel.integer("Sub", kernel.int(0, type), x), x.type as "i32");
    }),
  ],
  ["Pow", pow],
  ["Reciprocal", float((kernel, x) => kernel.div(kernel.float(1), x))],
  ["Round", float((kernel, x) => kernel.round(x))],
  ["Sign", sign],
  ["Sqrt", float((kernel, x) => kernel.sqrt(x))],
  ["Sum", sum],
];
