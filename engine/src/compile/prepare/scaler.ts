import { floatsAttribute } from "../../onnx/graph.ts";
import { floatConstant, giveOutput, readFeatures } from "./mlScores.ts";
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
