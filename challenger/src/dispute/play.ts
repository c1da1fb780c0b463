import { gameOf, traceRootOf } from "@surety/chain";
import { splitItems } from "@surety/engine";
import { FatalError, type GameView, itemOf } from "@surety/protocol";
import type { TransactionReceipt } from "viem";
import type { GameSeen } from "../store/store.ts";
import type { DisputeContext } from "./context.ts";
import type { ChallengerMove } from "./move.ts";
import { moveWithoutRun } from "./strategy.ts";
import { toCall } from "./to-call.ts";

export interface Played {
  readonly view: GameView;
  readonly move: ChallengerMove;
  /** Of the move's transaction; undefined for waiting. */
  readonly receipt: TransactionReceipt | undefined;
}

/**
 * Makes the next move of a game, if it is the challenger's. Everything is read from the chain and the store each time, so that it does not matter what was
 * done before a crash: the contract says where the game stands, and a move names the node it disputes.
 *
 * @throws FatalError MODEL_MISSING when the model's bundle is gone; ContractRevertError
 */
export async function playGame(context: DisputeContext, game: GameSeen): Promise<Played> {
  const { chain, addresses, send, bundles, thread, store } = context;
  const { gameId, assertionId } = game;
  const view = await gameOf(chain, addresses, gameId);
  const early = moveWithoutRun(view);
  if (early?.kind === "wait") return { view, move: early, receipt: undefined };

  const assertion = store.assertion(assertionId);
  const bundle = assertion === undefined ? undefined : bundles.find(assertion.modelId);
  if (assertion === undefined || bundle === undefined) {
    throw new FatalError(
      "MODEL_MISSING",
      `Game ${gameId} cannot be played: there is no bundle of ${assertion === undefined ? "its model" : `model ${assertion.modelId}`}. Put it back.`,
    );
  }
  const move =
    early ??
    (await thread.ask<"move">({
      kind: "move",
      bundleDir: bundle.dir,
      // A game on an item of a batch is about that item's run alone.
      input: splitItems(bundle.header.inputBytes, assertion.input)[itemOf(assertionId) ?? 0] as Uint8Array,
      view,
      traceRoot: await traceRootOf(chain, addresses, assertionId),
      revealed: store.revealed(assertionId),
    }));
  const call = toCall(addresses, gameId, bundle.header, move);
  if (call === undefined) return { view, move, receipt: undefined };
  // Only a move of one's own can be too late: what ended a game can be claimed at any time.
  const options = view.turn === "challenger" ? { deadline: view.turnEndsAt } : {};
  return { view, move, receipt: await send(call, options) };
}
