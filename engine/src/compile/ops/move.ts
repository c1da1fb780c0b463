import type { GraphNode } from "../../onnx/graph.ts";
import type { Lowering } from "../lowering.ts";
import type { ExactValue } from "../values.ts";

/** The same value with its elements in other places, in both forms. */
export type Move = <Value extends ExactValue>(value: Value) => Value;

/**
 * Defines a node's output as a change of view of its first input that moves elements but computes nothing, so it commutes with quantisation:
 * each form of the output is made from the same form of the input, when it is asked for.
 *
 * @param move returns the moved value; called with the f32 (or int) form, the u8 form, or both
 */
export function defineMoved(node: GraphNode, lowering: Lowering, move: Move): void {
  const [input = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const { quantised } = lowering.known(input);
  const missing = lowering.missing(input);
  const isPlain = lowering.constant(input) !== undefined || lowering.hasPlain(input);
  lowering.setForms(output, {
    ...(isPlain ? { plain: () => move(lowering.plain(input)) } : {}),
    ...(quantised ? { quantised: () => move(quantised()) } : {}),
    ...(missing ? { missing: () => move(missing()) } : {}),
  });
}
