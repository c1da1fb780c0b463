import { type GraphNode, intsAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import type { Lowering } from "../lowering.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { reshapeView, transposeView } from "../view.ts";
import { defineMoved } from "./move.ts";

/** Flatten, Reshape, Squeeze, Unsqueeze, Identity, Dropout: other sizes for the same elements, no instruction. */
export const reshape: Rule = {
  check(node, graph) {
    if (node.op === "Dropout" && node.outputs[1]) return "its mask output is not supported";
    if (node.op === "Dropout" || node.op === "Identity") return undefined;
    return checkOperands(node, graph, [node.op === "Reshape" ? "shape" : "axes"]);
  },

  lower(node, lowering) {
    const dims = lowering.dims(node.outputs[0] ?? "");
    defineMoved(node, lowering, (value) => reshaped(node, lowering, value, dims));
  },
};

/** The same elements under other sizes, copied in the program where strides cannot express them. */
export function reshaped<Value extends ExactValue>(
  node: GraphNode,
  lowering: Lowering,
  value: Value,
  dims: readonly number[],
): Value {
  const view = reshapeView(value.view, dims) ?? reshapeView(lowering.copy(node.name, value).view, dims);
  if (!view) throw lowering.unsupported(node, `[${value.dims}] cannot be read as [${dims}]`);
  const shape = lowering.initializer("shape", i64Tensor(dims));
  const tensor = lowering.emit("Reshape", [value.tensor, shape], {}, node.outputs[0]);
  return { ...value, tensor, dims, view };
}

/** Transpose: other strides for the same elements, no instruction. */
export const transpose: Rule = {
  check(node, graph) {
    return checkOperands(node, graph, []);
  },

  lower(node, lowering) {
    const dims = lowering.dims(node.outputs[0] ?? "");
    const permutation = intsAttribute(node, "perm") ?? dims.map((_, k) => dims.length - 1 - k);
    defineMoved(node, lowering, (value) => {
      const tensor = lowering.emit("Transpose", [value.tensor], { perm: permutation }, node.outputs[0]);
      return { ...value, tensor, dims, view: transposeView(value.view, permutation) };
    });
  },
};
