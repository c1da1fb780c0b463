import {
  buildStepWitness,
  CommittedTensors,
  type CommittedTrace,
  equalHashes,
  fromHex,
  type Hex,
  LEAF_BYTES,
  type MerkleTree,
  toHex,
} from "@surety/engine";
import {
  byteSpan,
  childPlaces,
  type GameView,
  type GameViewOnChain,
  nextMove,
  parseGameView,
  revealLevels,
  traceTop,
} from "@surety/protocol";
import type { Address, TransactionReceipt } from "viem";
import { type Model, outputRootOf, outputRootsOf, questionFor } from "./models.ts";
import type { CallParameters, Surety } from "./surety.ts";

type Move = Omit<CallParameters, "from">;

export async function viewOf({ read, game }: Surety, gameId: bigint): Promise<GameView> {
  return parseGameView(await read<GameViewOnChain>(game, "gameOf", [gameId]));
}

function walkedTree(trace: CommittedTrace, view: GameView): MerkleTree {
  return view.phase === "tensor" ? trace.tensorTree(view.instruction) : trace.tree;
}

/** What a poster with a trace commits. */
export function commitMove(
  { game }: Surety,
  { model, inputs }: Pick<ChallengerKnows, "model" | "inputs">,
  trace: CommittedTrace,
  assertionId: bigint,
): Move {
  const outputs = [...new Set(model.header.outputs.map(({ instruction }) => instruction))].sort(
    (a, b) => a - b,
  );
  const children = childPlaces("trace", traceTop(model.program.length)).map(({ height, position }) =>
    toHex(trace.tree.node(height, position)),
  );
  return {
    to: game,
    call: "commitTrace",
    args: [
      assertionId,
      questionFor(model, inputs),
      toHex(trace.root),
      model.header,
      outputRootsOf(model, trace),
      trace.tree.multiproof(outputs).map(toHex),
      children,
    ],
  };
}

/** The reveal that a poster with a trace owes in a game. */
export function revealMove({ game }: Surety, trace: CommittedTrace, gameId: bigint, view: GameView): Move {
  const place = { height: view.height, position: view.position };
  const due = nextMove({ ...view, turn: "poster" });
  if (due?.kind === "revealBytes") {
    const bytes = trace.tensorBytes(view.instruction);
    const { first, end } = byteSpan(place, bytes.length);
    return { to: game, call: "revealBytes", args: [gameId, view.node, toHex(bytes.slice(first, end))] };
  }
  const phase = view.phase === "tensor" ? "tensor" : "trace";
  const tree = walkedTree(trace, view);
  const children = childPlaces(phase, place).map(({ height, position }) =>
    toHex(tree.node(height, position)),
  );
  return { to: game, call: "reveal", args: [gameId, view.node, children] };
}

export interface ChallengerKnows {
  readonly model: Model;
  readonly inputs: readonly Uint8Array[];
  /** The challenger's own run. */
  readonly own: CommittedTrace;
  /** The poster's run, as far as it is revealed. */
  readonly poster: CommittedTrace;
  /** Which child to pick where none differs. Default: 0. */
  readonly otherwise?: number;
}

/** The path of a node up to the one `levels` above it. */
function pathUp(tree: MerkleTree, height: number, position: number, levels: number): Hex[] {
  return Array.from({ length: levels }, (_, level) =>
    toHex(tree.node(height + level, (position >> level) ^ 1)),
  );
}

/** The challenger's move: the first child that differs from its own tree, at last the first byte. */
export function challengerMove(
  { game }: Surety,
  knows: ChallengerKnows,
  gameId: bigint,
  view: GameView,
): Move {
  const { model, own, poster } = knows;
  const due = nextMove({ ...view, turn: "challenger" });
  if (due?.kind === "step")
    return { to: game, call: "step", args: [gameId, view.node, model.header, stepOf(knows, view)] };
  const phase = view.phase === "tensor" ? "tensor" : "trace";
  const [mine, theirs] = [walkedTree(own, view), walkedTree(poster, view)];
  const levels = revealLevels(phase, view.height);
  const height = view.height - levels;
  const first = view.position * 2 ** levels;
  const differing = Array.from({ length: 2 ** levels }, (_, child) => child).find(
    (child) => !equalHashes(mine.node(height, first + child), theirs.node(height, first + child)),
  );
  const child = differing ?? knows.otherwise ?? 0;
  const childHash = toHex(theirs.node(height, first + child));
  const pick = [gameId, view.node, child, childHash, pathUp(theirs, height, first + child, levels)];
  if (due?.kind !== "selectTensor") return { to: game, call: "select", args: pick };
  const index = first + child;
  return {
    to: game,
    call: "selectTensor",
    args: [
      ...pick,
      model.header,
      toHex(model.program[index] as Uint8Array),
      model.programTree.multiproof([index]).map(toHex),
    ],
  };
}

/** `IDisputeGame.Step` of the first byte that differs below the node in dispute, or of its first element. */
export function stepOf({ model, inputs, own, poster }: ChallengerKnows, view: GameView, element?: number) {
  const index = view.instruction;
  const [mine, theirs] = [own.tensorBytes(index), poster.tensorBytes(index)];
  const span = byteSpan({ height: view.height, position: view.position }, theirs.length);
  let byte = span.first;
  while (byte < span.end && mine[byte] === theirs[byte]) byte++;
  if (byte === span.end) byte = span.first;
  const disputed = element ?? Math.floor(byte / view.elementBytes);
  const leaf = Math.floor((disputed * view.elementBytes) / LEAF_BYTES);
  const witness = buildStepWitness({
    instruction: model.program[index] as Uint8Array,
    index,
    element: disputed,
    trace: own,
    traceTree: poster.tree,
    weights: model.weightsTree,
    inputs: new CommittedTensors(inputs),
  });
  return {
    leaf,
    leafBytes: toHex(theirs.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)),
    leafProof: pathUp(poster.tensorTree(index), 0, leaf, view.height),
    element: disputed,
    instruction: witness.instruction,
    inputRoots: witness.inputRoots,
    operands: witness.operands,
  };
}

export interface PlayedMove {
  readonly by: "poster" | "challenger";
  readonly call: string;
  readonly receipt: TransactionReceipt;
}

/** Plays a game from where it stands until it is over or `until` says so. */
export async function play(
  surety: Surety,
  knows: ChallengerKnows,
  {
    gameId,
    posterAddress,
    until,
  }: { gameId: bigint; posterAddress: Address; until?: (view: GameView) => boolean },
): Promise<PlayedMove[]> {
  const moves: PlayedMove[] = [];
  for (;;) {
    const view = await viewOf(surety, gameId);
    if (until?.(view)) return moves;
    const due = nextMove(view);
    if (due === undefined || due.by === "anyone") return moves;
    const move =
      due.kind === "commitTrace"
        ? commitMove(surety, knows, knows.poster, view.assertionId)
        : due.by === "poster"
          ? revealMove(surety, knows.poster, gameId, view)
          : challengerMove(surety, knows, gameId, view);
    const from = due.by === "poster" ? posterAddress : view.challenger;
    moves.push({ by: due.by, call: move.call, receipt: await surety.send({ from, ...move }) });
  }
}

export { fromHex, outputRootOf };
