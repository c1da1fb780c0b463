import {
  assertionOf,
  type ContractCall,
  decodeLogs,
  disputeParameters,
  findLog,
  gameOf,
  openGame,
  requestIdOf,
  requestOf,
  selectNode,
  selectTensor,
  type TransactionManager,
} from "@surety/chain";
import { type CommittedTrace, type NodeSource, programTree, toHex } from "@surety/engine";
import {
  type AssertionId,
  childPlaces,
  type GameId,
  type GameView,
  nextMove,
  type Place,
  parseGameId,
  questionOf,
} from "@surety/protocol";
import type { Scene } from "./scene.ts";

type Stage = Pick<Scene, "chain" | "addresses" | "bundle">;

/** Opens a game as development account `index`. */
export function openTestGame(scene: Scene, index: number, assertionId: AssertionId): Promise<GameId> {
  return openTestGameBy(scene, scene.sender(index), assertionId);
}

/** Opens a game, right or wrong. */
export async function openTestGameBy(
  scene: Stage,
  sender: TransactionManager,
  assertionId: AssertionId,
): Promise<GameId> {
  const { chain, addresses } = scene;
  const { outputRoot } = await assertionOf(chain, addresses, assertionId);
  const { modelId, inputRoot } = await requestOf(chain, addresses, requestIdOf(assertionId));
  const question = questionOf(modelId, inputRoot);
  const { challengeBondWei: bondWei } = await disputeParameters(chain, addresses);
  const receipt = await sender.send(openGame(addresses, { assertionId, question, outputRoot, bondWei }));
  const opened = findLog(decodeLogs(addresses, receipt.logs), "game", "GameOpened");
  if (opened === undefined) throw new Error("no GameOpened");
  return parseGameId(opened.args.gameId);
}

/**
 * The challenger's next selection on the way to a given tensor's leaf, whatever is right or wrong there: it makes the poster reveal all the way.
 * Undefined when it is not the challenger's turn, or only a step is left.
 */
export async function selectionTowards(
  scene: Stage,
  gameId: GameId,
  trace: CommittedTrace,
  target: { readonly layer: number; readonly leaf: number },
): Promise<ContractCall | undefined> {
  const { chain, addresses, bundle } = scene;
  const view = await gameOf(chain, addresses, gameId);
  const move = nextMove(view);
  if (move?.kind === "select") {
    const [tree, leaf] =
      view.phase === "tensor" ? [trace.at(view.instruction), target.leaf] : [trace.at(null), target.layer];
    return selectNode(addresses, { gameId, node: view.node, ...pick(tree, view, leaf) });
  }
  if (move?.kind === "selectTensor") {
    return selectTensor(addresses, {
      gameId,
      node: view.node,
      ...pick(trace.at(null), view, target.layer),
      header: bundle.header,
      instruction: toHex(bundle.encodedInstructions[target.layer] as Uint8Array),
      instructionProof: programTree(bundle.encodedInstructions).multiproof([target.layer]).map(toHex),
    });
  }
  return undefined;
}

/** The revealed child above a leaf, with its path up to the node in dispute. */
function pick(tree: NodeSource, view: GameView, leaf: number) {
  const phase = view.phase === "tensor" ? "tensor" : "trace";
  const places = childPlaces(phase, view);
  const isAbove = ({ height, position }: Place) => Math.floor(leaf / 2 ** height) === position;
  const child = places.findIndex(isAbove);
  const place = places[child] ?? { height: view.height, position: view.position };
  const proof = Array.from({ length: view.height - place.height }, (_, up) =>
    toHex(tree.node(place.height + up, Math.floor(place.position / 2 ** up) ^ 1)),
  );
  return { child: Math.max(child, 0), childHash: toHex(tree.node(place.height, place.position)), proof };
}
