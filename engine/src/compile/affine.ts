import type { GraphNode } from "../onnx/graph.ts";
import type { Lowering } from "./lowering.ts";

/** A value as another one of the same dimensions, x = source * factor + offset; the factor is positive. */
export interface Affine {
  readonly source: string;
  readonly factor: number;
  readonly offset: number;
}

const STEPS = new Set(["Add", "Div", "Mul", "Sub"]);

/** Factors and offsets that f32 holds with room to spare. */
const LARGEST = 1e10;

/**
 * What an Add, Sub, Mul or Div of a float value and one constant number computes. Whoever rounds the result anew to integers can scale and shift its source
 * instead.
 */
export function affineStep(node: GraphNode, lowering: Lowering): Affine | undefined {
  const [a = "", b = "", output = ""] = [...node.inputs, ...node.outputs];
  if (node.domain !== "" || !STEPS.has(node.op)) return undefined;
  const isSwapped = lowering.constant(a) !== undefined && (node.op === "Add" || node.op === "Mul");
  const [source, constant] = isSwapped ? [b, lowering.constant(a)] : [a, lowering.constant(b)];
  if (lowering.constant(source) || constant?.type !== "f32" || constant.data.length !== 1) return undefined;
  if (lowering.dims(source).join() !== lowering.dims(output).join()) return undefined;
  const value = Number(constant.data[0]);
  if (!(Math.abs(value) < LARGEST)) return undefined;
  const isFactor = value > 1 / LARGEST;
  switch (node.op) {
    case "Add":
      return { source, factor: 1, offset: value };
    case "Sub":
      return { source, factor: 1, offset: -value };
    case "Mul":
      return isFactor ? { source, factor: value, offset: 0 } : undefined;
    default:
      return isFactor ? { source, factor: 1 / value, offset: 0 } : undefined;
  }
}
