import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, type ElementType, type HostTensor, type TensorData } from "../../onnx/tensor.ts";
import { simpleExponent } from "../ops/arithmetic.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** Integers that onnxruntime stores but does not calculate with. */
const NARROW: ReadonlySet<ElementType> = new Set(["u8", "i8"]);
const WHOLE: ReadonlySet<ElementType> = new Set(["u8", "i8", "i32", "i64"]);

const ARITHMETIC = "Add Sub Mul Div Mod Neg Abs Sign Max Min Clip Pow Sum TopK CumSum".split(" ");
const COMPARISONS = "Equal Greater Less GreaterOrEqual LessOrEqual".split(" ");

/** Rewrites integer arithmetic of a type that onnxruntime calculates with; false leaves it. */
type WholeRewrite = (node: GraphNode, context: RewriteContext, type: "i32" | "i64") => boolean;

const WHOLE_REWRITES: Readonly<Record<string, WholeRewrite>> = {
  Div: divide,
  Mod: remainder,
  Pow: power,
  Clip: clip,
};

/**
 * What must be rewritten before onnxruntime runs a graph, by static types: integer arithmetic it has no kernels for (8 bits), and what would
 * end the process (a division by zero, the least integer divided by -1). Division by zero gives 0 here, and a remainder by zero 0.
 */
export const SAFE_INTEGERS: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ...[...ARITHMETIC, ...COMPARISONS].map((op) => [op, rewriteArithmetic] as const),
  ["Where", where],
]);

function rewriteArithmetic(node: GraphNode, context: RewriteContext): boolean {
  const type = typeOf(context, node.inputs[0]);
  if (type !== undefined && NARROW.has(type)) return widen(node, context, type);
  return (type === "i32" || type === "i64") && (WHOLE_REWRITES[node.op]?.(node, context, type) ?? false);
}

const typeOf = (context: RewriteContext, name: string | undefined): ElementType | undefined =>
  name === undefined || name === "" ? undefined : context.findType(name)?.type;

function scalar(context: RewriteContext, type: ElementType, value: number): string {
  const data = new ELEMENT_TYPES[type].array(1) as TensorData;
  data[0] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
  return context.addConstant(`${type}_${value}`, { type, dims: [], data } as HostTensor);
}

const cast = (context: RewriteContext, name: string, type: ElementType): string =>
  context.node("Cast", [name], { to: ELEMENT_TYPES[type].code });

/** 8-bit operands as int32, an 8-bit result as its low 8 bits. */
function widen(node: GraphNode, context: RewriteContext, type: ElementType): boolean {
  const isPlaces = node.op === "TopK" || node.op === "CumSum";
  const inputs = node.inputs.map((name, index) =>
    name === "" || (isPlaces && index > 0) ? name : cast(context, name, "i32"),
  );
  const [output = "", ...more] = node.outputs;
  const wide = context.freshName(`${output}_wide`);
  const outputs = COMPARISONS.includes(node.op) ? node.outputs : [wide, ...more];
  const inner = { ...node, inputs, outputs };
  if (!WHOLE_REWRITES[node.op]?.(inner, context, "i32")) context.keep(inner);
  if (outputs[0] === wide) context.nodeTo([output], "Cast", [wide], { to: ELEMENT_TYPES[type].code });
  return true;
}

/** The divisor, or 1 where dividing by it ends the process; undefined where a constant never does. */
function safeDivisor(context: RewriteContext, divisor: string, type: ElementType) {
  const constant = context.constant(divisor);
  if (
    constant &&
    !Array.from(constant.data as Int32Array, Number).some((value) => value === 0 || value === -1)
  )
    return undefined;
  const isZero = context.node("Equal", [divisor, scalar(context, type, 0)]);
  const isMinusOne = context.node("Equal", [divisor, scalar(context, type, -1)]);
  const isBad = context.node("Or", [isZero, isMinusOne]);
  return { isZero, isMinusOne, divisor: context.node("Where", [isBad, scalar(context, type, 1), divisor]) };
}

function divide(node: GraphNode, context: RewriteContext, type: "i32" | "i64"): boolean {
  const [a = "", b = ""] = node.inputs;
  const safe = safeDivisor(context, b, type);
  if (!safe) return false;
  const zero = scalar(context, type, 0);
  const quotient = context.node("Div", [a, safe.divisor]);
  const negated = context.node("Sub", [zero, a]);
  const signed = context.node("Where", [safe.isMinusOne, negated, quotient]);
  context.nodeTo(node.outputs, "Where", [safe.isZero, zero, signed]);
  return true;
}

/** Mod by its definition: the sign of the divisor (fmod 0) or of the dividend (fmod 1). */
function remainder(node: GraphNode, context: RewriteContext, type: "i32" | "i64"): boolean {
  const [a = "", b = ""] = node.inputs;
  // A remainder by -1 is 0, as by 1.
  const divisor = safeDivisor(context, b, type)?.divisor ?? b;
  const whole = context.node("Mul", [context.node("Div", [a, divisor]), divisor]);
  if (intAttribute(node, "fmod", 0) === 1) {
    context.nodeTo(node.outputs, "Sub", [a, whole]);
    return true;
  }
  const rest = context.node("Sub", [a, whole]);
  const zero = scalar(context, type, 0);
  const isExact = context.node("Equal", [rest, zero]);
  const signsAgree = context.node("Equal", [
    context.node("Less", [rest, zero]),
    context.node("Less", [divisor, zero]),
  ]);
  const raised = context.node("Add", [rest, divisor]);
  context.nodeTo(node.outputs, "Where", [context.node("Or", [isExact, signsAgree]), rest, raised]);
  return true;
}

/**
 * Integer powers by squaring, modulo 2^32 or 2^64. An exponent over 63 counts as 62 or 63 (whichever has its parity): only 0, 1 and -1 have such
 * powers in range, and theirs depend on the parity alone. A negative exponent gives 1 for 1, 1 or -1 for -1, and 0 for all else.
 */
function power(node: GraphNode, context: RewriteContext, type: "i32" | "i64"): boolean {
  const [base = "", exponent = ""] = node.inputs;
  const simple = simpleExponent(context.constant(exponent));
  if (simple !== undefined && simple >= 0) return false;
  // What is not in the graph as it was is an operand already widened.
  const exponentType = typeOf(context, exponent) ?? type;
  if (!WHOLE.has(exponentType)) return false;
  const own = exponentType === type ? exponent : cast(context, exponent, type);
  const constant = (value: number) => scalar(context, type, value);
  const [one, two, zero] = [constant(1), constant(2), constant(0)];
  const remainderOf = (value: string) =>
    context.node("Sub", [value, context.node("Mul", [context.node("Div", [value, two]), two])]);
  const isOdd = context.node("Not", [context.node("Equal", [remainderOf(own), zero])]);
  const parity = cast(context, isOdd, type);
  const isNegative = context.node("Less", [own, zero]);
  const large = context.node("Add", [constant(62), parity]);
  // Large ones and negative ones alike: 1 and -1 are their own reciprocals.
  const isLarge = context.node("Or", [isNegative, context.node("Less", [constant(63), own])]);
  let left = context.node("Where", [isLarge, large, own]);
  let square = base;
  let result = one;
  for (let bit = 0; bit < 6; bit++) {
    const half = context.node("Div", [left, two]);
    const isSet = context.node("Equal", [context.node("Sub", [left, context.node("Mul", [half, two])]), one]);
    result = context.node("Mul", [result, context.node("Where", [isSet, square, one])]);
    left = half;
    if (bit < 5) square = context.node("Mul", [square, square]);
  }
  const magnitude = context.node("Max", [base, context.node("Sub", [zero, base])]);
  const vanishes = context.node("And", [
    isNegative,
    context.node("Not", [context.node("Equal", [magnitude, one])]),
  ]);
  context.nodeTo(node.outputs, "Where", [vanishes, zero, result]);
  return true;
}

function clip(node: GraphNode, context: RewriteContext): boolean {
  const [x = "", low = "", high = ""] = node.inputs;
  const raised = low === "" ? x : context.node("Max", [x, low]);
  if (high === "") context.nodeTo(node.outputs, "Identity", [raised]);
  else context.nodeTo(node.outputs, "Min", [raised, high]);
  return true;
}

/** onnxruntime has no Where of bools or int8. */
function where(node: GraphNode, context: RewriteContext): boolean {
  const [condition = "", a = "", b = ""] = node.inputs;
  const type = typeOf(context, a);
  if (type === "i8") {
    const wide = context.node("Where", [condition, cast(context, a, "i32"), cast(context, b, "i32")]);
    context.nodeTo(node.outputs, "Cast", [wide], { to: ELEMENT_TYPES.i8.code });
    return true;
  }
  if (type !== "bool") return false;
  const first = context.node("And", [condition, a]);
  const second = context.node("And", [context.node("Not", [condition]), b]);
  context.nodeTo(node.outputs, "Or", [first, second]);
  return true;
}
