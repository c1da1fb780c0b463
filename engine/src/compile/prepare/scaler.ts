import { floatAttribute, floatsAttribute } from "../../onnx/graph.ts";
import { floatConstant, floatScalar, giveOutput, readFeatures } from "./mlScores.ts";
import type { Rewrite } from "./rewrite.ts";

/** Scaler (ai.onnx.ml 1): (x - offset) * scale, by feature or for all. */
export const scaler: Rewrite = (node, context) => {
  const { x, features } = readFeatures(node, context);
  const read = (name: "offset" | "scale") => {
    const values = floatsAttribute(node, name) ?? [];
    if (values.length !== 1 && values.length !== features)
      throw context.unsupported(`${name} has ${values.length} numbers for ${features} features`);
    return floatConstant(context, values);
  };
  const centred = context.node("Sub", [x, read("offset")]);
  giveOutput(node, context, 0, context.node("Mul", [centred, read("scale")]));
  return true;
};

/** Imputer (ai.onnx.ml 1): numbers by feature, or one for all, in place of what is missing or of another number. */
export const imputer: Rewrite = (node, context) => {
  const { x, features } = readFeatures(node, context);
  if (context.typeOf(node.inputs[0] ?? "").type !== "f32") throw context.unsupported("its input is no f32");
  const values = floatsAttribute(node, "imputed_value_floats") ?? [];
  if (values.length !== 1 && values.length !== features)
    throw context.unsupported(`imputed_value_floats has ${values.length} numbers for ${features} features`);
  const replaced = floatAttribute(node, "replaced_value_float", 0);
  const isReplaced = Number.isNaN(replaced)
    ? context.node("IsNaN", [x])
    : context.node("Equal", [x, floatScalar(context, replaced)]);
  giveOutput(node, context, 0, context.node("Where", [isReplaced, floatConstant(context, values), x]));
  return true;
};
