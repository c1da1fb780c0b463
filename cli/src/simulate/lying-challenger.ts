import {
  type ChallengerMove,
  type NextMoveParameters,
  nextMove,
  proveElement,
} from "@surety/challenger/dispute";
import { fromHex, MerkleTree, toHex } from "@surety/engine";
import { byteSpan, nextMove as moveDue, revealLevels } from "@surety/protocol";

/**
 * A challenger that claims a difference where there is none: it walks to the first node each time, and has a right element recomputed at the end.
 */
export function lyingMove(parameters: NextMoveParameters): ChallengerMove {
  const { view, revealed, own } = parameters;
  const due = moveDue(view)?.kind;
  if (due === "step") {
    const { first } = byteSpan(view, view.tensorBytes);
    return proveElement(parameters, Math.floor(first / view.elementBytes));
  }
  if (due !== "select" && due !== "selectTensor") return nextMove(parameters);
  const phase = view.phase === "tensor" ? "tensor" : "trace";
  const instruction = phase === "tensor" ? view.instruction : undefined;
  const shown = revealed.find(
    (fact) =>
      fact.kind === "nodes" &&
      fact.instruction === instruction &&
      fact.place.height === view.height &&
      fact.place.position === view.position,
  );
  const children =
    revealLevels(phase, view.height) > 0 && shown?.kind === "nodes" ? shown.children : [view.node];
  const tree = MerkleTree.of(children.map(fromHex));
  const picked = {
    node: view.node,
    child: 0,
    childHash: children[0] ?? view.node,
    proof: tree.multiproof([0]).map(toHex),
  };
  if (due === "select") return { kind: "select", ...picked };
  const index = view.position * children.length;
  return {
    kind: "selectTensor",
    ...picked,
    index,
    instruction: toHex(own.program[index] ?? new Uint8Array()),
    instructionProof: own.programTree.multiproof([index]).map(toHex),
  };
}
