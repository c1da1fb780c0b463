import type { GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { batchNormalisation } from "../absorb.ts";
import { Elementwise, type Term } from "../elementwise.ts";
import type { Lowering } from "../lowering.ts";
import { checkOperands, isConstant, type Rule } from "../rule.ts";

/** A rule for an elementwise op from its formula. */
export function elementwise(formula: (kernel: Elementwise, operands: Term[], node: GraphNode) => Term): Rule {
  return {
    check(node, graph) {
      const computed = node.inputs.filter((name) => name !== "" && !isConstant(graph, name));
      return computed.length === 0 ? "all its inputs are constants that could not be folded" : undefined;
    },

    lower(node, lowering) {
      const output = node.outputs[0] ?? "";
      const kernel = new Elementwise(lowering, node.name, lowering.dims(output));
      const operands = new Map(largestFirst(node, lowering).map((name) => [name, kernel.operand(name)]));
      const terms = node.inputs.filter((name) => name !== "").map((name) => operands.get(name) as Term);
      storeResult(lowering, kernel, formula(kernel, terms, node), output);
    },
  };
}

/** Stores the result as it is, or quantised where all its readers want that. */
export function storeResult(lowering: Lowering, kernel: Elementwise, result: Term, output: string): void {
  const quantisation = result.type === "f32" ? lowering.preferred(output) : undefined;
  if (!quantisation) lowering.setPlain(output, kernel.store(result, output));
  else
    lowering.setQuantised(output, {
      ...kernel.store(kernel.quantise(result, quantisation), output),
      quantisation,
    });
}

/** The operand with most elements first: its layout is the result's. */
function largestFirst(node: GraphNode, lowering: Lowering): string[] {
  const size = (name: string) =>
    lowering.constant(name) ? 0 : lowering.dims(name).reduce((product, dim) => product * dim, 1);
  return [...new Set(node.inputs)].filter((name) => name !== "").sort((a, b) => size(b) - size(a));
}

/** An op of two operands, float or int. */
function arithmetic(float: "add" | "sub" | "mul", int: "Add" | "Sub" | "Mul"): Rule {
  const rule = elementwise((kernel, operands) => {
    const [a, b] = operands as [Term, Term];
    if (a.type === "f32") return kernel[float](a, b);
    const result = kernel.integer(int, a, b);
    return a.type === "u8" || a.type === "i8" ? kernel.castInt(result, a.type) : result;
  });
  return {
    ...rule,
    lower(node, lowering) {
      rule.lower(node, lowering);
      keepMissing(node, lowering);
    },
  };
}

/** What is missing stays so when a constant is added or the like: features are scaled before trees see them. */
function keepMissing(node: GraphNode, lowering: Lowering): void {
  const [output = ""] = node.outputs;
  const [input, ...others] = node.inputs.filter((name) => !lowering.constant(name));
  if (input === undefined || others.length > 0) return;
  const missing = lowering.missing(input);
  if (missing && lowering.dims(input).join() === lowering.dims(output).join())
    lowering.setForms(output, { missing });
}

export const add = arithmetic("add", "Add");
export const sub = arithmetic("sub", "Sub");
export const mul = arithmetic("mul", "Mul");

/** BatchNormalization that follows no convolution: one multiplication and one addition per element. */
export const batchNormalization: Rule = {
  check(node, graph) {
    if (node.outputs.filter((name) => name !== "").length > 1)
      return "its training outputs are not supported";
    return checkOperands(node, graph, ["scale", "bias", "mean", "variance"]);
  },

  lower(node, lowering) {
    const [output = ""] = node.outputs;
    const factors = batchNormalisation(node, lowering);
    if (!factors) throw lowering.unsupported(node, "its parameters are not float32 constants");
    const dims = lowering.dims(output);
    const perChannel = (values: Float64Array): HostTensor => ({
      type: "f32",
      dims: [values.length, ...dims.slice(2).map(() => 1)],
      data: Float32Array.from(values),
    });
    const kernel = new Elementwise(lowering, node.name, dims);
    const x = kernel.operand(node.inputs[0] ?? "");
    const scaled = kernel.mul(x, kernel.constant(perChannel(factors.scale), `${node.name}/scale`));
    const shifted = kernel.add(scaled, kernel.constant(perChannel(factors.shift), `${node.name}/shift`));
    storeResult(lowering, kernel, shifted, output);
  },
};
