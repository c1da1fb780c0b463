import {
  type Chain,
  type ContractCall,
  claimTimeout,
  commitTrace,
  gameOf,
  isRevert,
  reveal,
  revealBytes,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import { questionAsked, splitItems } from "@surety/engine";
import {
  type AssertionId,
  FatalError,
  type GameId,
  type Hash32,
  itemOf,
  type ModelHeader,
  type RequestId,
} from "@surety/protocol";
import type { ServedModels } from "../inference/models.ts";
import { ownAnswer } from "../inference/own-answer.ts";
import { type DefenceThread, faultOfItem } from "../inference/task.ts";
import type { Store } from "../store/store.ts";
import type { FaultTarget } from "../testing/liar.ts";
import type { DefenceMove } from "./move.ts";
import { defenceWithoutTrace } from "./strategy.ts";

export interface DefendContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly transactions: TransactionManager;
  readonly store: Store;
  readonly models: ServedModels;
  readonly thread: DefenceThread;
}

export interface DefendedGame {
  readonly gameId: GameId;
  readonly assertionId: AssertionId;
  readonly requestId: RequestId;
}

/** Plays the poster's side of the games against this node's assertions. */
export interface Defence {
  /**
   * Makes the one move that a game waits for, if it is this side's.
   *
   * @returns The move made; undefined when there was none to make.
   */
  play(game: DefendedGame): Promise<DefenceMove["kind"] | undefined>;
  /** Commits the trace of an answer that an attention test audits. @returns whether it did */
  showTrace(audit: {
    readonly assertionId: AssertionId;
    readonly requestId: RequestId;
    /** Unix seconds. */
    readonly revealBy: number;
  }): Promise<boolean>;
}

export function createDefence(context: DefendContext): Defence {
  const { chain, addresses, transactions, store, models, thread } = context;
  /** The answer that a game is against, and what it was computed from. */
  async function answered({
    requestId,
    assertionId,
  }: {
    readonly requestId: RequestId;
    readonly assertionId: AssertionId;
  }) {
    const request = store.requestOf(requestId);
    const model = request === undefined ? undefined : models.find(request.modelId);
    if (request === undefined || model === undefined) {
      throw new FatalError(
        "DEFENCE_IMPOSSIBLE",
        `Request ${requestId}: its input or its model is not here. Start the node with the inputs and models it answered with.`,
      );
    }
    const answer = await ownAnswer({ store, thread }, request, model);
    const fault = answer.fault === undefined ? undefined : (JSON.parse(answer.fault) as FaultTarget);
    const { dir: bundleDir, header } = model;
    // A game on an item of a batch is about that item's run alone.
    const item = itemOf(assertionId) ?? 0;
    const items = splitItems(header.inputBytes, request.input);
    const input = items[item] as Uint8Array;
    const run = { bundleDir, input, fault: faultOfItem(fault, item, items.length) };
    return { run, header, question: questionAsked(model, input) };
  }

  return {
    async showTrace({ assertionId, requestId, revealBy }) {
      const { run, header, question } = await answered({ requestId, assertionId });
      const move = await thread.ask<"commit">({ kind: "commit", ...run });
      if (move.kind !== "commitTrace") return false;
      try {
        const call = commitTrace(addresses, { ...move, assertionId, question, header });
        await transactions.send(call, { deadline: revealBy });
        return true;
      } catch (error) {
        // It stands already, or a reorg took the answer away.
        if (isRevert(error, "AlreadyCommitted", "NotDisputable", "NotPoster", "QuestionMismatch"))
          return false;
        throw error;
      }
    },
    async play(game) {
      const view = await gameOf(chain, addresses, game.gameId);
      // The trace is worth its run only when a move needs it.
      const early = defenceWithoutTrace(view);
      if (early?.kind === "wait") return undefined;
      const { run, header, question } = await answered(game);
      const move = early ?? (await thread.ask({ kind: "defend", view, ...run }));
      const call = defenceCall(addresses, { ...game, question }, header, move);
      if (call === undefined) return undefined;
      try {
        // Only a move of one's own can be too late: a challenger's lost clock can be claimed at any time.
        await transactions.send(call, view.turn === "poster" ? { deadline: view.turnEndsAt } : {});
        return move.kind;
      } catch (error) {
        // Another game's reveal served this one too, or the state moved on: the next block tells.
        if (
          isRevert(
            error,
            "AlreadyCommitted",
            "AlreadyRevealed",
            "NotYourTurn",
            "WrongPhase",
            "HashMismatch",
          ) ||
          // A reorg took the game or the answer away, or gave its number to another one.
          isRevert(error, "UnknownGame", "NotDisputable", "NotPoster", "QuestionMismatch")
        )
          return undefined;
        throw error;
      }
    },
  };
}

/** The transaction that makes a move; none for waiting. */
export function defenceCall(
  at: SuretyAddresses,
  game: { readonly gameId: GameId; readonly assertionId: AssertionId; readonly question: Hash32 },
  header: ModelHeader,
  move: DefenceMove,
): ContractCall | undefined {
  const { gameId, assertionId, question } = game;
  switch (move.kind) {
    case "wait":
      return undefined;
    case "commitTrace":
      return commitTrace(at, { ...move, assertionId, question, header });
    case "reveal":
      return reveal(at, gameId, move.node, move.children);
    case "revealBytes":
      return revealBytes(at, gameId, move.node, move.data);
    case "claimTimeout":
      return claimTimeout(at, gameId);
  }
}
