import { floatAttribute } from "../../onnx/graph.ts";
import type { Rewrite } from "./rewrite.ts";

/** x Sigmoid(alpha x). */
const swishWith =
  (alpha: number): Rewrite =>
  (node, context) => {
    const [x = ""] = node.inputs;
    const own = Float32Array.of(floatAttribute(node, "alpha", alpha));
    const factor = context.addConstant("alpha", { type: "f32", dims: [], data: own });
    const scaled = own[0] === 1 ? x : context.node("Mul", [x, factor]);
    context.nodeTo(node.outputs, "Mul", [x, context.node("Sigmoid", [scaled])]);
    return true;
  };

/** Swish of opset 24. */
export const swish = swishWith(1);

/** com.microsoft's Gelu of x + bias, where there is one. */
const geluOf =
  (approximate: "none" | "tanh"): Rewrite =>
  (node, context) => {
    const [x = "", bias] = node.inputs;
    const biased = bias ? context.node("Add", [x, bias]) : x;
    context.nodeTo(node.outputs, "Gelu", [biased], { approximate });
    return true;
  };

/** Names that onnxruntime has for Gelu and Swish. */
export const GELUS: readonly (readonly [string, Rewrite])[] = [
  ["com.microsoft.BiasGelu", geluOf("none")],
  ["com.microsoft.FastGelu", geluOf("tanh")],
  ["com.microsoft.Gelu", geluOf("none")],
  ["com.microsoft.QuickGelu", swishWith(1.702)],
];
