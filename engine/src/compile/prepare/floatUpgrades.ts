import { floatAttribute, intAttribute, intsAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import { swish } from "./gelus.ts";
import type { Rewrite } from "./rewrite.ts";

/** Clip before opset 11 has its limits as attributes. */
const limitsToInputs: Rewrite = (node, context) => {
  if (context.opset >= 11) return false;
  const limit = (name: string) => {
    if (!node.attributes.has(name)) return "";
    const data = Float32Array.of(floatAttribute(node, name, 0));
    return context.addConstant(name, { type: "f32", dims: [], data });
  };
  context.nodeTo(node.outputs, "Clip", [node.inputs[0] ?? "", limit("min"), limit("max")]);
  return true;
};

/** Reductions before opset 18 (ReduceSum: 13) have their axes as an attribute. */
const reducedAxesToInput: Rewrite = (node, context) => {
  const axes = intsAttribute(node, "axes");
  if (axes === undefined) return false;
  const inputs = [node.inputs[0] ?? "", context.addConstant("axes", i64Tensor(axes))];
  context.nodeTo(node.outputs, node.op, inputs, { keepdims: intAttribute(node, "keepdims", 1) });
  return true;
};

/** Softmax and its kin before opset 13 goes over all dimensions from its axis on, together. */
const softmaxOfRows: Rewrite = (node, context) => {
  if (context.opset >= 13) return false;
  const [input = ""] = node.inputs;
  const rows = context.node("Flatten", [input], { axis: intAttribute(node, "axis", 1) });
  const result = context.node(node.op, [rows], { axis: -1 });
  context.nodeTo(node.outputs, "Reshape", [result, context.node("Shape", [input])]);
  return true;
};

/** GroupNormalization before opset 21 has a scale and a bias per group instead of per channel. */
const groupParametersToChannels: Rewrite = (node, context) => {
  if (context.opset >= 21) return false;
  const [input = "", scale = "", bias = ""] = node.inputs;
  const groups = intAttribute(node, "num_groups", 1);
  const shape = context.node("Shape", [input], { start: 1, end: 2 });
  const perGroup = context.node("Div", [shape, context.addConstant("groups", i64Tensor([groups]))]);
  const one = context.addConstant("one", i64Tensor([1]));
  const expanded = [scale, bias].map((name) => {
    const column = context.node("Unsqueeze", [name, one]);
    const sizes = context.node("Concat", [one, perGroup], { axis: 0 });
    const repeated = context.node("Expand", [column, sizes]);
    return context.node("Reshape", [repeated, context.addConstant("all", i64Tensor([-1]))]);
  });
  context.nodeTo(node.outputs, node.op, [input, ...expanded], {
    num_groups: groups,
    epsilon: { float: floatAttribute(node, "epsilon", 1e-5) },
  });
  return true;
};

/** Of float functions, normalisations and reductions. */
export const FLOAT_UPGRADES: readonly (readonly [string, Rewrite])[] = [
  ["Clip", limitsToInputs],
  ["GroupNormalization", groupParametersToChannels],
  ["Hardmax", softmaxOfRows],
  ["LogSoftmax", softmaxOfRows],
  ["Softmax", softmaxOfRows],
  ...["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"].map(
    (name) => [`Reduce${name}`, reducedAxesToInput] as const,
  ),
];

/** RMSNormalization (opset 23) by the name onnxruntime has had for it. */
const rmsNormalization: Rewrite = (node, context) => {
  context.nodeTo(node.outputs, "SimplifiedLayerNormalization", node.inputs, {
    axis: intAttribute(node, "axis", -1),
    epsilon: { float: floatAttribute(node, "epsilon", 1e-5) },
  });
  return true;
};

/** Float ops that came after the canonical opset, in terms of its own. */
export const LATER_FLOAT_OPS: readonly (readonly [string, Rewrite])[] = [
  ["RMSNormalization", rmsNormalization],
  ["Swish", swish],
];
