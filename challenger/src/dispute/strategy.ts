import { buildStepWitness, toHex } from "@surety/engine";
import {
  assertNever,
  type GameView,
  LEAF_BYTES,
  nextMove as moveDue,
  revealLevels,
  type WalkPhase,
} from "@surety/protocol";
import type { Hex } from "viem";
import type { ChallengerMove, WaitReason } from "./move.ts";
import type { OwnRun } from "./own-run.ts";
import { posterTrace } from "./poster-trace.ts";
import { bytesBelow, nodesBelow, type Revealed } from "./revealed.ts";
import { believeBytes, believeNodes, leafBytes, pickFirstDifference, pickFirstElement } from "./rules.ts";

/**
 * What can be decided without an own run: `undefined` when it takes one, because the challenger is to select or to step.
 */
export function moveWithoutRun(view: GameView): ChallengerMove | undefined {
  const due = moveDue(view);
  if (due === undefined) return wait("over");
  switch (due.kind) {
    case "closeVoid":
      return { kind: "closeVoid" };
    case "claimTimeout":
      // Its own lost clock is the poster's to claim: the bond is gone, gas need not follow it.
      return view.turn === "poster-timed-out" ? { kind: "claimTimeout" } : wait("lost-on-time");
    case "commitTrace":
    case "reveal":
    case "revealBytes":
      return wait("poster-to-move");
    case "select":
    case "selectTensor":
    case "step":
      return undefined;
    default:
      return assertNever(due.kind);
  }
}

export interface NextMoveParameters {
  /** One of the challenger's own games. */
  readonly view: GameView;
  /** The trace root that the poster committed; zero until then. */
  readonly traceRoot: Hex;
  /** All that stands revealed of the assertion, in whatever game. */
  readonly revealed: readonly Revealed[];
  readonly own: OwnRun;
}

/**
 * The honest challenger: the next move of a game, from the game's state, what the poster has revealed, and its own run. Pure.
 *
 * @example
 * const move = nextMove({ view: await gameOf(chain, at, gameId), traceRoot, revealed, own });
 */
export function nextMove(parameters: NextMoveParameters): ChallengerMove {
  const early = moveWithoutRun(parameters.view);
  if (early !== undefined) return early;
  const due = moveDue(parameters.view)?.kind;
  return due === "step" ? step(parameters) : select(parameters, due === "select" ? "select" : "selectTensor");
}

function wait(why: WaitReason): ChallengerMove {
  return { kind: "wait", why };
}

function select(
  { view, revealed, own }: NextMoveParameters,
  kind: "select" | "selectTensor",
): ChallengerMove {
  const { node, height, position } = view;
  const phase: WalkPhase = view.phase === "tensor" ? "tensor" : "trace";
  const instruction = phase === "tensor" ? view.instruction : undefined;
  const children = revealLevels(phase, height) === 0 ? [node] : nodesBelow(revealed, instruction, view);
  const below = children === undefined ? undefined : believeNodes(node, children);
  if (children === undefined || below === undefined) return wait("reveal-not-seen");

  const tree = instruction === undefined ? own.trace.tree : own.trace.tensorTree(instruction);
  const child = pickFirstDifference(phase, view, children, tree);
  const childHash = child === undefined ? undefined : children[child];
  if (child === undefined || childHash === undefined) return wait("nothing-differs");
  const picked = { node, child, childHash, proof: below.multiproof([child]).map(toHex) };
  if (kind === "select") return { kind, ...picked };

  const index = position * children.length + child;
  return {
    kind,
    ...picked,
    index,
    instruction: toHex(own.program[index] ?? new Uint8Array()),
    instructionProof: own.programTree.multiproof([index]).map(toHex),
  };
}

function step(parameters: NextMoveParameters): ChallengerMove {
  const { view, own } = parameters;
  const data = revealedBytes(parameters)?.data;
  if (data === undefined) return wait("reveal-not-seen");
  const element = pickFirstElement(view, data, own.trace.tensorBytes(view.instruction), view.elementBytes);
  return element === undefined ? wait("nothing-differs") : proveElement(parameters, element);
}

/** The bytes below the node in dispute and the tree over them, once they are revealed. */
function revealedBytes({ view, revealed }: NextMoveParameters) {
  const data = bytesBelow(revealed, view.instruction, view);
  const below = data === undefined ? undefined : believeBytes(view.node, view.height, data);
  return data === undefined || below === undefined ? undefined : { data, below };
}

/** The step that has one element below the node in dispute recomputed, whether it differs or not. */
export function proveElement(parameters: NextMoveParameters, element: number): ChallengerMove {
  const { view, traceRoot, revealed, own } = parameters;
  const { node, instruction: index, elementBytes, height, position } = view;
  const found = revealedBytes(parameters);
  if (found === undefined) return wait("reveal-not-seen");
  const leaf = Math.floor((element * elementBytes) / LEAF_BYTES);
  const leafBelow = leaf - position * 2 ** height;
  const { instruction, inputRoots, operands } = buildStepWitness({
    instruction: own.program[index] ?? new Uint8Array(),
    index,
    element,
    trace: own.trace,
    weights: own.weights,
    inputs: own.inputs,
    traceTree: posterTrace(own.trace.tree, traceRoot, revealed),
  });
  return {
    kind: "step",
    node,
    step: {
      leaf,
      leafBytes: toHex(leafBytes(found.data, leafBelow)),
      leafProof: found.below.multiproof([leafBelow]).map(toHex),
      element,
      instruction,
      inputRoots,
      operands,
    },
  };
}
