import { intAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, elementTypeOf } from "../../onnx/tensor.ts";
import type { Elementwise, Term } from "../elementwise.ts";
import type { Rule } from "../rule.ts";
import { isProgramType, type ProgramType } from "../values.ts";
import { elementwise } from "./elementwise.ts";

/** A rule for a formula of one or two operands. */
const pair = (formula: (kernel: Elementwise, a: Term, b: Term) => Term): Rule =>
  elementwise((kernel, operands) => formula(kernel, operands[0] as Term, operands[1] as Term));

const isFloat = (term: Term) => term.type === "f32";
const equal = pair((kernel, a, b) => kernel.equal(a, b));
const less = pair((kernel, a, b) => kernel.less(a, b));
const greater = pair((kernel, a, b) => kernel.less(b, a));
const lessOrEqual = pair((kernel, a, b) => kernel.not(kernel.less(b, a)));
const greaterOrEqual = pair((kernel, a, b) => kernel.not(kernel.less(a, b)));
const and = pair((kernel, a, b) => kernel.and(a, b));
const or = pair((kernel, a, b) => kernel.or(a, b));
const xor = pair((kernel, a, b) => kernel.not(kernel.equal(a, b)));
const not = pair((kernel, a) => kernel.not(a));

const never = pair((kernel, x) => kernel.not(kernel.equal(x, x)));

/** Where an input is NaN: it counts as 0 in every other op, and none arises. So elsewhere never. */
const notANumber: Rule = {
  check: (node, graph) => never.check(node, graph),
  lower(node, lowering) {
    const missing = lowering.missing(node.inputs[0] ?? "");
    if (missing) lowering.setForms(node.outputs[0] ?? "", { plain: missing });
    else never.lower(node, lowering);
  },
};

/** IsInf, either sign or one. */
const isInf = elementwise((kernel, [x], node) => {
  const of = (sign: string, value: number) =>
    intAttribute(node, `detect_${sign}`, 1) === 1
      ? kernel.equal(x as Term, kernel.float(value))
      : kernel.not(kernel.equal(x as Term, x as Term));
  return kernel.or(of("negative", -Infinity), of("positive", Infinity));
});

const where = elementwise((kernel, [condition, a, b]) =>
  kernel.select(condition as Term, a as Term, b as Term),
);

const CLAMPS: Readonly<Record<string, readonly [number, number]>> = { u8: [0, 255], i8: [-128, 127] };

/** What two parts of 31 bits hold: floats up to this are cast to i64 as they are. */
const WIDEST = 2 ** 60;

/** A float truncated to i64, in two parts: x = high 2^30 + low, both exact. */
function toInt64(kernel: Elementwise, operand: Term): Term {
  const { min, max } = operand.range;
  if (min >= -(2 ** 31) && max < 2 ** 31) return kernel.castInt(kernel.toInt32(operand), "i64");
  const x = kernel.clip(operand, -WIDEST, WIDEST);
  const high = kernel.toInt32(kernel.mul(x, kernel.float(2 ** -30)));
  const rest = kernel.sub(x, kernel.mul(kernel.toFloat(high), kernel.float(2 ** 30)));
  const whole = kernel.integer("Mul", kernel.castInt(high, "i64"), kernel.int(2 ** 30, "i64"));
  return kernel.integer("Add", whole, kernel.castInt(kernel.toInt32(rest), "i64"));
}

/** Cast. Floats are truncated and clamped to the type (to 2^60 for i64); integers keep their low bits; bool is "other than zero". */
const castFormula = elementwise((kernel, [operand], node) => {
  const x = operand as Term;
  const to = elementTypeOf(intAttribute(node, "to", 0)) as ProgramType;
  if (to === x.type) return x;
  if (to === "bool") return kernel.toBool(x);
  if (to === "f32") return kernel.toFloat(x);
  if (!isFloat(x)) return kernel.castInt(x, to);
  if (to === "i64") return toInt64(kernel, x);
  const [low, high] = CLAMPS[to] ?? [-Infinity, Infinity];
  return kernel.castInt(kernel.toInt32(kernel.clip(x, low, high)), to);
});

const cast: Rule = {
  ...castFormula,
  check(node, graph) {
    const type = elementTypeOf(intAttribute(node, "to", 0));
    if (type === undefined || !isProgramType(type)) {
      const types = Object.keys(ELEMENT_TYPES).filter((name) => isProgramType(name as ProgramType));
      return `it casts to ${type ?? `type ${intAttribute(node, "to", 0)}`}; the profile has ${types.join(", ")}`;
    }
    return castFormula.check(node, graph);
  },
};

/** Comparisons, logic and casts. */
export const LOGIC: readonly (readonly [string, Rule])[] = [
  ["And", and],
  ["Cast", cast],
  ["Equal", equal],
  ["Greater", greater],
  ["GreaterOrEqual", greaterOrEqual],
  ["IsInf", isInf],
  ["IsNaN", notANumber],
  ["Less", less],
  ["LessOrEqual", lessOrEqual],
  ["Not", not],
  ["Or", or],
  ["Where", where],
  ["Xor", xor],
];
