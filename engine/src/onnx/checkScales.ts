import { FatalError } from "@surety/protocol";
import { describeNode, type GraphNode, qualifiedOp } from "./graph.ts";
import type { HostTensor } from "./tensor.ts";

/** Where ops have their scales among their inputs. */
const SCALES: Readonly<Record<string, readonly number[]>> = {
  QuantizeLinear: [1],
  DequantizeLinear: [1],
  QLinearConv: [1, 4, 6],
  QLinearMatMul: [1, 4, 6],
  "com.microsoft.QLinearConv": [1, 4, 6],
  "com.microsoft.QLinearAdd": [1, 4, 6],
  "com.microsoft.QLinearMul": [1, 4, 6],
  "com.microsoft.QGemm": [1, 4, 7],
};

/**
 * Scales are positive numbers: ONNX leaves open what others mean.
 * @throws FatalError ONNX_VALUE for a constant scale that is zero, negative, infinite or NaN
 */
export function checkScales(node: GraphNode, constants: ReadonlyMap<string, HostTensor>): void {
  for (const place of SCALES[qualifiedOp(node)] ?? []) {
    const name = node.inputs[place] ?? "";
    const tensor = constants.get(name);
    if (tensor?.type !== "f32") continue;
    const bad = (tensor.data as Float32Array).find((scale) => !(scale > 0 && Number.isFinite(scale)));
    if (bad === undefined) continue;
    throw new FatalError(
      "ONNX_VALUE",
      `${describeNode(node)} has the scale ${bad} in "${name}"; a scale has to be positive and finite.`,
    );
  }
}
