import type { SuretyLog } from "../events/surety-log.ts";

/** A transaction that did something. */
export interface Act {
  /** Unix seconds of its block. */
  readonly time: number;
  readonly transaction: string;
  readonly gas: number;
}

/** A node of the trace tree, or of one instruction's tensor. Heights count levels above the leaves. */
export interface TreePlace {
  readonly inTensor: boolean;
  readonly instruction: number;
  readonly height: number;
  readonly position: number;
}

/** A move of a dispute, and where in the poster's tree it led. */
export interface MoveEntry extends Act {
  readonly by: string;
  readonly move: string;
  readonly place?: TreePlace;
}

/** A transaction as the history needs it. */
export interface Transaction {
  readonly hash: string;
  readonly from: string;
  readonly gas: number;
  readonly time: number;
}

export interface RequestRecord {
  readonly requestId: bigint;
  readonly modelId: string;
  readonly requester: string;
  readonly asked: Transaction;
  /** Undefined when the bytes are elsewhere. */
  readonly input: string | undefined;
  readonly assertions: AssertionRecord[];
  state: "open" | "asserted" | "final" | "refunded";
}

export interface AssertionRecord {
  readonly assertionId: bigint;
  readonly poster: string;
  readonly posted: Transaction;
  readonly output: string | undefined;
  outcome: "standing" | "refuted" | "final";
}

export interface GameRecord {
  readonly gameId: bigint;
  readonly assertionId: bigint;
  readonly challenger: string;
  readonly moves: MoveEntry[];
  verdict?: { instruction: number; element: number; posted: bigint; expected: bigint };
  ended?: { outcome: number; paidWei: bigint; burnedWei: bigint };
}

/** What the contracts' events tell, in the order they happened. */
export class History {
  readonly #kept: number;
  readonly models = new Set<string>();
  /** Models joined, by operator. */
  readonly operators = new Map<string, Set<string>>();
  readonly requests = new Map<bigint, RequestRecord>();
  readonly games = new Map<bigint, GameRecord>();

  /** @param kept Requests and games that are kept; older ones are forgotten. */
  constructor(kept = 200) {
    this.#kept = kept;
  }

  /** @param transaction the one that emitted the event */
  add(log: SuretyLog, transaction: Transaction): void {
    switch (log.contract) {
      case "registry":
        if (log.eventName === "ModelRegistered") this.models.add(log.args.modelId);
        break;
      case "operators":
        this.#addOperator(log);
        break;
      case "oracle":
        this.#addOracle(log, transaction);
        break;
      case "game":
        this.#addGame(log, transaction);
    }
  }

  #addOperator(log: SuretyLog & { contract: "operators" }): void {
    if (log.eventName !== "JoinedModel" && log.eventName !== "LeftModel" && log.eventName !== "Deposited")
      return;
    const joined = this.operators.get(log.args.operator) ?? new Set();
    this.operators.set(log.args.operator, joined);
    if (log.eventName === "JoinedModel") joined.add(log.args.modelId);
    if (log.eventName === "LeftModel") joined.delete(log.args.modelId);
  }

  #addOracle(log: SuretyLog & { contract: "oracle" }, transaction: Transaction): void {
    switch (log.eventName) {
      case "Requested":
      case "BatchRequested":
      case "RequestedByReference": {
        const { requestId, modelId, requester } = log.args;
        const input = log.eventName === "Requested" ? log.args.input : undefined;
        this.requests.set(requestId, {
          ...{ requestId, modelId, requester, input, asked: transaction },
          assertions: [],
          state: "open",
        });
        forgetOldest(this.requests, this.#kept);
        return;
      }
      case "Posted":
      case "PostedByReference": {
        const request = this.requests.get(log.args.requestId);
        if (!request) return;
        const { assertionId, poster } = log.args;
        const output = log.eventName === "Posted" ? log.args.output : undefined;
        request.assertions.push({ assertionId, poster, output, posted: transaction, outcome: "standing" });
        request.state = "asserted";
        return;
      }
      case "Finalised": {
        const request = this.requests.get(log.args.requestId);
        const assertion = request?.assertions.at(-1);
        if (!request || !assertion) return;
        assertion.outcome = "final";
        request.state = "final";
        return;
      }
      case "Refuted": {
        const request = this.requests.get(log.args.assertionId / 256n);
        const assertion = request?.assertions.find(({ assertionId }) => assertionId === log.args.assertionId);
        if (!request || !assertion) return;
        assertion.outcome = "refuted";
        request.state = "open";
        return;
      }
      case "Refunded": {
        const request = this.requests.get(log.args.requestId);
        if (request) request.state = "refunded";
        return;
      }
    }
  }

  #addGame(log: SuretyLog & { contract: "game" }, transaction: Transaction): void {
    const moved = (game: GameRecord | undefined, move: string, place?: TreePlace) => {
      // Committing the trace shows nodes in the same transaction: one move.
      if (!game || game.moves.at(-1)?.transaction === transaction.hash) return;
      game.moves.push({
        by: transaction.from,
        move,
        ...{ time: transaction.time, transaction: transaction.hash, gas: transaction.gas },
        ...(place ? { place } : {}),
      });
    };
    const placeOf = ({ inTensor, instruction, height, position }: TreePlace) => ({
      inTensor,
      instruction,
      height,
      position,
    });
    switch (log.eventName) {
      case "GameOpened": {
        const { gameId, assertionId, challenger } = log.args;
        this.games.set(gameId, { gameId, assertionId, challenger, moves: [] });
        forgetOldest(this.games, this.#kept);
        moved(this.games.get(gameId), "open");
        return;
      }
      // What the poster shows serves every game on its assertion.
      case "TraceCommitted":
        for (const game of this.#gamesOn(log.args.assertionId)) moved(game, "commitTrace");
        return;
      case "NodeRevealed":
        for (const game of this.#gamesOn(log.args.assertionId)) moved(game, "reveal", placeOf(log.args));
        return;
      case "BytesRevealed":
        for (const game of this.#gamesOn(log.args.assertionId)) {
          moved(game, "revealBytes", placeOf({ ...log.args, inTensor: true }));
        }
        return;
      case "NodeSelected":
        moved(this.games.get(log.args.gameId), "select", placeOf(log.args));
        return;
      case "StepJudged": {
        const game = this.games.get(log.args.gameId);
        if (!game) return;
        const { instruction, element, posted, expected } = log.args;
        game.verdict = { instruction, element, posted, expected };
        moved(game, "step");
        return;
      }
      case "GameEnded": {
        const game = this.games.get(log.args.gameId);
        if (!game) return;
        const { outcome, paidWei, burnedWei } = log.args;
        game.ended = { outcome, paidWei, burnedWei };
        if (!game.verdict) moved(game, "end");
        return;
      }
    }
  }

  #gamesOn(assertion: bigint): GameRecord[] {
    return [...this.games.values()].filter(({ assertionId, ended }) => assertionId === assertion && !ended);
  }
}

function forgetOldest<Key, Value>(records: Map<Key, Value>, kept: number): void {
  if (records.size <= kept) return;
  const [oldest] = records.keys();
  records.delete(oldest as Key);
}
