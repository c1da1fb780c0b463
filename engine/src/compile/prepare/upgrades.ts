import { intsAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import { FLOAT_UPGRADES, LATER_FLOAT_OPS } from "./floatUpgrades.ts";
import { MOVEMENT_UPGRADES } from "./movementUpgrades.ts";
import type { Rewrite } from "./rewrite.ts";

/** Squeeze and Unsqueeze before opset 13 have their axes as an attribute. */
const axesToInput: Rewrite = (node, context) => {
  const axes = intsAttribute(node, "axes");
  if (axes === undefined) return false;
  context.nodeTo(node.outputs, node.op, [node.inputs[0] ?? "", context.addConstant("axes", i64Tensor(axes))]);
  return true;
};

/** How nodes of older opsets are written in the canonical one; a rewriting leaves what already is. */
export const UPGRADES: ReadonlyMap<string, Rewrite> = new Map([
  ...FLOAT_UPGRADES,
  ...MOVEMENT_UPGRADES,
  ["Squeeze", axesToInput],
  ["Unsqueeze", axesToInput],
]);

/** How ops that came after the canonical opset are written in it. */
export const DOWNGRADES: ReadonlyMap<string, Rewrite> = new Map([...LATER_FLOAT_OPS]);
