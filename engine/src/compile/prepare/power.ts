import { simpleExponent } from "../ops/arithmetic.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/**
 * Pow by anything but half an integer: |x|^y = e^(y ln |x|), negated where x is negative and y odd. (What is no real number, a negative x to
 * the power of a fraction, becomes |x|^y.)
 */
export const power: Rewrite = (node, context) => {
  const [x = "", exponent = ""] = node.inputs;
  if (context.typeOf(x).type !== "f32" || simpleExponent(context.constant(exponent)) !== undefined)
    return false;
  const y = context.typeOf(exponent).type === "f32" ? exponent : context.node("Cast", [exponent], { to: 1 });
  const logarithm = context.node("Log", [context.node("Abs", [x])]);
  const magnitude = context.node("Exp", [context.node("Mul", [y, logarithm])]);
  const constant = context.constant(exponent);
  const neverOdd = constant && Array.from(constant.data, Number).every((value) => Math.abs(value) % 2 !== 1);
  if (neverOdd) context.nodeTo(node.outputs, "Identity", [magnitude]);
  else context.nodeTo(node.outputs, "Mul", [magnitude, signOf(x, y, context)]);
  return true;
};

/** -1 where x < 0 and y is odd, else 1. */
function signOf(x: string, y: string, context: RewriteContext): string {
  const number = (value: number) =>
    context.addConstant("number", { type: "f32", dims: [], data: Float32Array.of(value) });
  // y / 2 is off an integer by a half where y is odd.
  const half = context.node("Mul", [y, number(0.5)]);
  const rest = context.node("Abs", [context.node("Sub", [half, context.node("Round", [half])])]);
  const oddness = context.node("Floor", [context.node("Mul", [rest, number(2)])]);
  const negative = context.node("Abs", [context.node("Min", [context.node("Sign", [x]), number(0)])]);
  const flipped = context.node("Mul", [context.node("Mul", [oddness, negative]), number(2)]);
  return context.node("Sub", [number(1), flipped]);
}
