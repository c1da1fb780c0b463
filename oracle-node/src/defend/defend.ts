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
import { CommittedTrace } from "@surety/engine";
import {
  type AssertionId,
  FatalError,
  type GameId,
  type Hash32,
  type ModelHeader,
  type RequestId,
} from "@surety/protocol";
import type { ServedModels } from "../inference/models.ts";
import type { NodeThread } from "../inference/task.ts";
import type { Store } from "../store/store.ts";
import type { FaultTarget } from "../testing/liar.ts";
import type { DefenceMove } from "./move.ts";
import { nextDefence } from "./strategy.ts";

export interface DefendContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly transactions: TransactionManager;
  readonly store: Store;
  readonly models: ServedModels;
  readonly thread: NodeThread;
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
  /** Drops the traces of assertions that have no game any more. */
  keepOnly(games: readonly DefendedGame[]): void;
}

export function createDefence(context: DefendContext): Defence {
  const { chain, addresses, transactions, store, models, thread } = context;
  const traces = new Map<string, ReturnType<typeof traceOf>>();

  async function traceOf({ requestId }: DefendedGame) {
    const request = store.requestOf(requestId);
    const answer = request === undefined ? undefined : store.answerTo(request);
    const model = request === undefined ? undefined : models.find(request.modelId);
    if (request === undefined || answer === undefined || model === undefined) {
      throw new FatalError(
        "DEFENCE_IMPOSSIBLE",
        `Request ${requestId}: its input, its answer or its model is not here. Start the node with the data and models it answered with.`,
      );
    }
    const fault = answer.fault === undefined ? undefined : (JSON.parse(answer.fault) as FaultTarget);
    const { dir: bundleDir, header } = model;
    const tensors = await thread.ask({ kind: "trace", bundleDir, input: request.input, fault });
    return { trace: new CommittedTrace(tensors), header, question: answer.question };
  }

  function cachedTraceOf(game: DefendedGame) {
    const { assertionId, requestId } = game;
    const request = store.requestOf(requestId);
    // By the question as well: a reorg may give the assertion's number to another one.
    const key = `${assertionId} ${request === undefined ? "" : store.answerTo(request)?.question}`;
    const trace = traces.get(key) ?? traceOf(game);
    traces.set(key, trace);
    trace.catch(() => traces.delete(key));
    return trace;
  }

  return {
    async play(game) {
      const view = await gameOf(chain, addresses, game.gameId);
      // The trace is worth its run only when a move needs it.
      if (view.turn !== "poster" && view.turn !== "challenger-timed-out") return undefined;
      const { trace, header, question } = await cachedTraceOf(game);
      const outputs = header.outputs.map(({ instruction }) => instruction);
      const move = nextDefence(view, trace, outputs);
      const call = defenceCall(addresses, { ...game, question }, header, move);
      if (call === undefined) return undefined;
      try {
        await transactions.send(call);
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
    keepOnly(games) {
      const kept = new Set(games.map(({ assertionId }) => String(assertionId)));
      for (const key of traces.keys()) if (!kept.has(key.split(" ")[0] as string)) traces.delete(key);
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
