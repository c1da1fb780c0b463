import { type GraphNode, intsAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import type { ExactValue, Lowering } from "../lowering.ts";
import { checkOperands, type Rule } from "../rule.ts";
import { reshapeView, transposeView } from "../view.ts";

/** Flatten, Reshape, Squeeze, Unsqueeze, Identity, Dropout: other sizes for the same elements, no instruction. */
export const reshape: Rule = {
  check(node, graph) {
    if (node.op === "Dropout" && node.outputs[1]) return "its mask output is not supported";
    return checkOperands(node, graph, [node.op === "Reshape" ? "shape" : "axes"]);
  },

  lower(node, lowering) {
    const output = node.outputs[0] ?? "";
    const dims = lowering.dims(output);
    eachRepresentation(node, lowering, (value, suffix) => {
      let view = reshapeView(value.view, dims);
      if (!view) {
        const copy = lowering.copy(node.name, value);
        view = reshapeView(copy.view, dims);
      }
      if (!view) throw lowering.unsupported(node, `[${value.dims}] cannot be read as [${dims}]`);
      const tensor = lowering.freshName(`${output}_${suffix}`);
      const shape = lowering.initializer("shape", i64Tensor(dims));
      lowering.exact.node("Reshape", [value.tensor, shape], [tensor], {}, node.name);
      return { tensor, dims, view };
    });
  },
};

/** Transpose: other strides for the same elements, no instruction. */
export const transpose: Rule = {
  check(node, graph) {
    return checkOperands(node, graph, []);
  },

  lower(node, lowering) {
    const output = node.outputs[0] ?? "";
    eachRepresentation(node, lowering, (value, suffix) => {
      const permutation = intsAttribute(node, "perm") ?? value.dims.map((_, k) => value.dims.length - 1 - k);
      const tensor = lowering.freshName(`${output}_${suffix}`);
      lowering.exact.node("Transpose", [value.tensor], [tensor], { perm: permutation }, node.name);
      return { tensor, dims: lowering.dims(output), view: transposeView(value.view, permutation) };
    });
  },
};

/** Applies a change of view to the input's u8 form, or to its f32 form where only that exists. */
function eachRepresentation(
  node: GraphNode,
  lowering: Lowering,
  change: (value: ExactValue, suffix: string) => ExactValue,
): void {
  const output = node.outputs[0] ?? "";
  const { u8, f32 } = lowering.known(node.inputs[0] ?? "");
  if (u8) lowering.setQuantised(output, { ...change(u8, "u8"), quantisation: u8.quantisation });
  else if (f32) lowering.setFloat(output, change(f32, "f32"));
}
