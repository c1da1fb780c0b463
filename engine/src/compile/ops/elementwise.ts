import type { GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { batchNormalisation } from "../absorb.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { mapInstruction } from "../mapInstruction.ts";
import { checkOperands, isConstant, type Rule } from "../rule.ts";
import { broadcastView, type View } from "../view.ts";

/** Add of two activations, or of an activation and a constant: dequantise, one binary32 addition, quantise. */
export const add: Rule = {
  check(node, graph) {
    const constants = node.inputs.filter((name) => isConstant(graph, name));
    if (constants.length === 2) return "both its inputs are constants that could not be folded";
    const constant = graph.initializers.get(constants[0] ?? "");
    if (constant && constant.type !== "f32") return "its constant is not float32";
    return undefined;
  },

  lower(node, lowering) {
    const output = withRelu(node, lowering);
    const dims = lowering.dims(output);
    const expression = new Expression();
    const views: View[] = [];
    const tensors: string[] = [];
    const values = orderedInputs(node, lowering).map((name) => {
      const constant = lowering.constant(name);
      const operand = constant
        ? constantOperand(lowering, node, constant, name, dims)
        : lowering.arithmeticOperand(name);
      views.push(broadcastView(operand.view, dims));
      tensors.push(operand.tensor);
      const value = expression.load(views.length - 1);
      return operand.quantisation ? expression.dequantise(value, operand.quantisation) : value;
    });
    const sum = expression.apply("fadd", values[0] as number, values[1] as number);
    const real = lowering.freshName(`${output}_real`);
    lowering.exact.node("Add", tensors, [real], {}, node.name);
    finish(node, lowering, { output, real, views, expression, value: sum });
  },
};

/** A Relu that could not be folded into its producer: quantised anew with zero point 0. */
export const relu: Rule = {
  check(node, graph) {
    return checkOperands(node, graph, []);
  },

  lower(node, lowering) {
    const operand = lowering.arithmeticOperand(node.inputs[0] ?? "");
    const expression = new Expression();
    const q = expression.load(0);
    const value = operand.quantisation ? expression.dequantise(q, operand.quantisation) : q;
    const output = node.outputs[0] ?? "";
    finish(node, lowering, { output, real: operand.tensor, views: [operand.view], expression, value });
  },
};

/** BatchNormalization that follows no convolution: one multiplication and one addition per element. */
export const batchNormalization: Rule = {
  check(node, graph) {
    if (node.outputs.filter((name) => name !== "").length > 1)
      return "its training outputs are not supported";
    return checkOperands(node, graph, ["scale", "bias", "mean", "variance"]);
  },

  lower(node, lowering) {
    const output = withRelu(node, lowering);
    const factors = batchNormalisation(node, lowering);
    if (!factors) throw lowering.unsupported(node, "its parameters are not float32 constants");
    const operand = lowering.arithmeticOperand(node.inputs[0] ?? "");
    const dims = lowering.dims(output);
    const perChannel = (values: Float64Array): HostTensor => ({
      type: "f32",
      dims: [values.length, ...dims.slice(2).map(() => 1)],
      data: Float32Array.from(values),
    });
    const scale = constantOperand(lowering, node, perChannel(factors.scale), `${node.name}/scale`, dims);
    const shift = constantOperand(lowering, node, perChannel(factors.shift), `${node.name}/shift`, dims);
    const expression = new Expression();
    const q = expression.load(0);
    const x = operand.quantisation ? expression.dequantise(q, operand.quantisation) : q;
    const scaled = expression.apply("fmul", x, expression.load(1));
    const value = expression.apply("fadd", scaled, expression.load(2));
    const [product, real] = ["scaled", "real"].map((role) => lowering.freshName(`${output}_${role}`)) as [
      string,
      string,
    ];
    lowering.exact.node("Mul", [operand.tensor, scale.tensor], [product], {}, node.name);
    lowering.exact.node("Add", [product, shift.tensor], [real]);
    finish(node, lowering, {
      output,
      real,
      views: [operand.view, scale.view, shift.view],
      expression,
      value,
    });
  },
};

/** The full-sized operand first: its layout is the result's. */
function orderedInputs(node: GraphNode, lowering: Lowering): string[] {
  const [first = "", second = ""] = node.inputs;
  const sizeOf = (name: string) =>
    lowering.constant(name) ? 0 : lowering.dims(name).reduce((a, b) => a * b, 1);
  return sizeOf(second) > sizeOf(first) ? [second, first] : [first, second];
}

function constantOperand(
  lowering: Lowering,
  node: GraphNode,
  constant: HostTensor,
  name: string,
  dims: readonly number[],
): { tensor: string; view: View; quantisation: undefined } {
  if ((constant.data as Float32Array).some((value) => !Number.isFinite(value))) {
    throw lowering.unsupported(node, `its constant "${name}" holds infinities or NaN`);
  }
  const tensor = lowering.initializer(`${name}_constant`, constant);
  return { tensor, view: lowering.constantView(name, constant, dims), quantisation: undefined };
}

/** The value to compute: the output of the Relu that follows, if one does; its range then starts at 0. */
function withRelu(node: GraphNode, lowering: Lowering): string {
  const output = node.outputs[0] ?? "";
  const next = lowering.soleConsumer(output);
  if (next?.op !== "Relu" || next.domain !== "") return output;
  lowering.absorb(next);
  return next.outputs[0] ?? "";
}

interface Elementwise {
  readonly output: string;
  /** The f32 tensor of the exact graph that is quantised. */
  readonly real: string;
  readonly views: readonly View[];
  readonly expression: Expression;
  readonly value: number;
}

function finish(node: GraphNode, lowering: Lowering, parts: Elementwise): void {
  const { output, real, views, expression } = parts;
  const quantisation = lowering.quantisationOf(output);
  const tensor = lowering.freshName(`${output}_u8`);
  const { scale, zero } = quantisation;
  lowering.exact.node(
    "QuantizeLinear",
    [real, lowering.scalar("f32", scale), lowering.scalar("u8", zero)],
    [tensor],
  );
  expression.quantise(parts.value, quantisation);
  const view = mapInstruction(lowering.program, node.name, tensor, "u8", views, expression, "as-first");
  lowering.setQuantised(output, { tensor, dims: lowering.dims(output), view, quantisation });
}
