import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from "../../onnx/graph.ts";
import { i64Tensor, numbersOf } from "../../onnx/tensor.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

const list = (context: RewriteContext, name: string, values: readonly number[]): string =>
  context.addConstant(name, i64Tensor(values));

/** Slice before opset 10 has its lists as attributes. */
const sliceLists: Rewrite = (node, context) => {
  const [starts, ends, axes] = ["starts", "ends", "axes"].map((name) => intsAttribute(node, name));
  if (!starts || !ends) return false;
  const inputs = [node.inputs[0] ?? "", list(context, "starts", starts), list(context, "ends", ends)];
  context.nodeTo(node.outputs, "Slice", axes ? [...inputs, list(context, "axes", axes)] : inputs);
  return true;
};

/** Pad before opset 11 has its pads and value as attributes, of floats only. */
const padLists: Rewrite = (node, context) => {
  const pads = intsAttribute(node, "pads");
  if (!pads) return false;
  const data = Float32Array.of(floatAttribute(node, "value", 0));
  const value = context.addConstant("value", { type: "f32", dims: [], data });
  const mode = stringAttribute(node, "mode", "constant");
  context.nodeTo(node.outputs, "Pad", [node.inputs[0] ?? "", list(context, "pads", pads), value], { mode });
  return true;
};

/** Split before opset 13 has its sizes as an attribute, and before opset 18 no number of parts. */
const splitSizes: Rewrite = (node, context) => {
  if (context.opset >= 18) return false;
  const [input = "", given = ""] = node.inputs;
  const sizes = intsAttribute(node, "split");
  const split = sizes ? list(context, "split", sizes) : given;
  const axis = intAttribute(node, "axis", 0);
  if (split === "")
    context.nodeTo(node.outputs, "Split", [input], { axis, num_outputs: node.outputs.length });
  else context.nodeTo(node.outputs, "Split", [input, split], { axis });
  return true;
};

/** TopK before opset 10 has its k as an attribute. */
const topKCount: Rewrite = (node, context) => {
  if (context.opset >= 10) return false;
  const k = list(context, "k", [intAttribute(node, "k", 1)]);
  context.nodeTo(node.outputs, "TopK", [node.inputs[0] ?? "", k], { axis: intAttribute(node, "axis", -1) });
  return true;
};

/** Upsample is Resize with coordinates of position / scale, rounded down. */
const upsample: Rewrite = (node, context) => {
  const attribute = node.attributes.get("scales");
  const scales =
    attribute?.kind === "floats"
      ? context.addConstant("scales", {
          type: "f32",
          dims: [attribute.value.length],
          data: Float32Array.from(attribute.value),
        })
      : (node.inputs[1] ?? "");
  context.nodeTo(node.outputs, "Resize", [node.inputs[0] ?? "", "", scales], {
    mode: resizeMode(stringAttribute(node, "mode", "nearest")),
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
  return true;
};

const resizeMode = (mode: string) => (mode === "bilinear" ? "linear" : mode);

/** Resize of opset 10 is as Upsample, but where it makes smaller it rounds up (so onnxruntime does). */
const resize: Rewrite = (node, context) => {
  if (context.opset >= 11) return false;
  const [input = "", scales = ""] = node.inputs;
  const shrinks = (numbersOf(context.constant(scales)) ?? []).some((scale) => scale < 1);
  context.nodeTo(node.outputs, "Resize", [input, "", scales], {
    mode: resizeMode(stringAttribute(node, "mode", "nearest")),
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: shrinks ? "ceil" : "floor",
  });
  return true;
};

/** Dropout does nothing outside training. */
const dropout: Rewrite = (node, context) => {
  if (node.outputs[1]) throw context.unsupported("its mask output is not supported");
  context.nodeTo(node.outputs.slice(0, 1), "Identity", [node.inputs[0] ?? ""]);
  return true;
};

/** BatchNormalization before opset 14 has attributes of training, and outputs. */
const batchNormalization: Rewrite = (node, context) => {
  if (context.opset >= 14) return false;
  if (intAttribute(node, "spatial", 1) !== 1)
    throw context.unsupported("it normalises every element for itself");
  const epsilon = { float: floatAttribute(node, "epsilon", 1e-5) };
  context.nodeTo(node.outputs.slice(0, 1), "BatchNormalization", node.inputs, { epsilon });
  return true;
};

const scatter: Rewrite = (node, context) => {
  context.nodeTo(node.outputs, "ScatterElements", node.inputs, { axis: intAttribute(node, "axis", 0) });
  return true;
};

/** Of data movement, and of what is gone in later opsets. */
export const MOVEMENT_UPGRADES: readonly (readonly [string, Rewrite])[] = [
  ["BatchNormalization", batchNormalization],
  ["Dropout", dropout],
  ["Pad", padLists],
  ["Resize", resize],
  ["Scatter", scatter],
  ["Slice", sliceLists],
  ["Split", splitSizes],
  ["TopK", topKCount],
  ["Upsample", upsample],
];
