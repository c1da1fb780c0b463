import { floatAttribute } from "../../onnx/graph.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** x Sigmoid(alpha x). */
function swish(x: string, alpha: number, context: RewriteContext): [string, string] {
  const factor = context.addConstant("alpha", { type: "f32", dims: [], data: Float32Array.of(alpha) });
  const scaled = alpha === 1 ? x : context.node("Mul", [x, factor]);
  return [x, context.node("Sigmoid", [scaled])];
}

const swishWith =
  (alpha: number): Rewrite =>
  (node, context) => {
    const own = floatAttribute(node, "alpha", alpha);
    context.nodeTo(node.outputs, "Mul", swish(node.inputs[0] ?? "", own, context));
    return true;
  };

/** com.microsoft's Gelu of x + bias, where there is one. */
const geluOf =
  (approximate: "none" | "tanh"): Rewrite =>
  (node, context) => {
    const [x = "", bias] = node.inputs;
    const biased = bias ? context.node("Add", [x, bias]) : x;
    context.nodeTo(node.outputs, "Gelu", [biased], { approximate });
    return true;
  };

/** Names that onnxruntime and late opsets have for Gelu and Swish. */
export const GELUS: readonly (readonly [string, Rewrite])[] = [
  ["Swish", swishWith(1)],
  ["com.microsoft.BiasGelu", geluOf("none")],
  ["com.microsoft.FastGelu", geluOf("tanh")],
  ["com.microsoft.Gelu", geluOf("none")],
  ["com.microsoft.QuickGelu", swishWith(1.702)],
];
