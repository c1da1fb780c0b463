import { currentFees, isRevert, maxCapitalOf, requestIdOf } from "@surety/chain";
import { type AssertionId, RetryableError, wholeAnswerOf } from "@surety/protocol";
import { deliverOwed } from "@surety/service";
import { formatEther } from "viem";
import type { Room } from "../service/room.ts";
import type { AssertionSeen, GameSeen } from "../store/store.ts";
import { gameClaim, openDispute } from "./open.ts";
import { playGame } from "./play.ts";

/** Opens games on what is wrong and plays them to the end, as many at once as there are. */
export interface Disputes {
  /** @param headBlock The last block that the store has taken in. */
  tick(headBlock: bigint): void;
}

export function createDisputes(room: Room): Disputes {
  const { chain, addresses, store, bundles, thread, reserve, log, metrics, alerts, account } = room;
  /** Blocks in which games were opened, by assertion: until the store has come that far the game is not seen there. */
  const openedIn = new Map<string, bigint>();
  const rehearsed = new Set<string>();
  let told: Set<string> | undefined;

  /** Holds what the games under way may still cost: they come before any new one, after a restart too. */
  async function holdLive(): Promise<void> {
    for (const { assertionId, outcome } of store.games(account)) {
      const key = gameClaim(assertionId);
      const assertion = store.assertion(assertionId);
      const bundle = assertion === undefined ? undefined : bundles.find(assertion.modelId);
      if (outcome !== undefined || bundle === undefined || reserve.holds(key)) continue;
      const { largestTensorBytes } = await thread.ask<"open">({ kind: "open", bundleDir: bundle.dir });
      const { challenger } = await maxCapitalOf(
        ...([chain, addresses, assertionId, bundle.header, largestTensorBytes] as const),
      );
      reserve.hold(key, { gas: challenger.gas, bondWei: 0n });
    }
  }

  async function open(assertion: AssertionSeen): Promise<void> {
    const { assertionId, poster } = assertion;
    await holdLive();
    const outcome = await openDispute(room, assertion);
    const { maxFeePerGas } = await currentFees(chain, room.maxFeePerGasCapWei);
    metrics.reservedWei.set(Number(reserve.heldWei(maxFeePerGas)));
    const requestId = String(requestIdOf(assertionId));
    const facts = { requestId, assertionId: String(assertionId), poster };
    switch (outcome.kind) {
      case "opened": {
        const { transactionHash: transaction, blockNumber } = outcome.receipt;
        metrics.moves.inc({ kind: "open" });
        openedIn.set(String(assertionId), blockNumber);
        log.info({ ...facts, transaction }, "dispute opened");
        alerts.raise("dispute-opened", "info", `Answer ${assertionId} is disputed.`, facts);
        return;
      }
      case "rehearsed": {
        rehearsed.add(String(assertionId));
        metrics.moves.inc({ kind: "rehearsed" });
        const costs = { bondWei: String(outcome.bondWei), gas: String(outcome.gas) };
        log.warn({ ...facts, ...costs }, "dry run: the dispute would have been opened");
        return;
      }
      case "too-late":
        store.setVerdict(assertion, "not-opened");
        log.warn(facts, "wrong answer can no longer be disputed");
        return;
      case "changed":
        log.info(facts, "the assertion changed meanwhile: looking again");
        return;
      case "short": {
        const { balanceWei, neededWei, heldWei } = outcome;
        const text = `A game on answer ${assertionId} to its end may take ${formatEther(neededWei)}; ${account} has ${formatEther(balanceWei)}, of it ${formatEther(heldWei)} for games under way. Fund it.`;
        alerts.raise("reserve-too-low", "critical", text, facts);
        // May be funded before the window closes, or a game may end: tried again.
        throw new RetryableError("RESERVE_TOO_LOW", text);
      }
    }
  }

  async function play(game: GameSeen): Promise<void> {
    const { gameId, assertionId } = game;
    const requestId = String(requestIdOf(assertionId));
    const facts = { requestId, gameId: String(gameId), assertionId: String(assertionId) };
    try {
      const { view, move, receipt } = await playGame(room, game);
      if (receipt === undefined) {
        if (move.kind === "wait" && move.why === "nothing-differs") {
          const text = "the poster's trace is equal to ours: this game cannot be won";
          log.error(facts, text);
          alerts.raise("game-hopeless", "critical", text, facts);
        }
        return;
      }
      metrics.moves.inc({ kind: move.kind });
      const { phase, height } = view;
      log.info({ ...facts, move: move.kind, phase, height, transaction: receipt.transactionHash }, "moved");
    } catch (error) {
      // The game moved on between reading and sending: the next look sees it as it is.
      if (isRevert(error, "NotYourTurn", "HashMismatch", "WrongPhase", "WrongHeight", "NoTimeout")) return;
      throw error;
    }
  }

  async function revoke(assertionId: AssertionId): Promise<void> {
    const requestId = requestIdOf(assertionId);
    const { send } = room;
    const did = await deliverOwed({ chain, addresses, send, requestId, output: undefined });
    if (did === "revoked") log.info({ requestId: String(requestId) }, "revocation delivered");
  }

  /** Tells of each own game that has ended since the start. */
  function tellEnded(own: readonly GameSeen[]): void {
    const ended = own.filter(({ outcome }) => outcome !== undefined);
    told ??= new Set(ended.map(({ gameId }) => String(gameId)));
    for (const { gameId, assertionId, outcome, paidWei } of ended) {
      reserve.release(gameClaim(assertionId));
      if (told.has(String(gameId))) continue;
      told.add(String(gameId));
      const facts = { gameId, assertionId, outcome, paidWei };
      if (room.deliver && outcome === "challenger-won" && !room.dryRun && !room.watchOnly) {
        room.jobs.start(
          `revoke ${assertionId}`,
          () => revoke(assertionId),
          room.failed("a revocation", { assertionId: String(assertionId) }),
        );
      }
      const lost = outcome === "poster-won";
      alerts.raise(
        lost ? "game-lost" : "game-ended",
        lost ? "critical" : "info",
        `Game ${gameId}: ${outcome}.`,
        facts,
      );
    }
  }

  return {
    tick(headBlock) {
      const own = store.games(account);
      const live = own.filter(({ outcome }) => outcome === undefined);
      metrics.liveGames.set(live.length);
      tellEnded(own);
      if (room.watchOnly) return;
      const disputed = new Set(own.map((game) => wholeAnswerOf(game.assertionId)));
      // Games under way go on: their clocks do not wait for this machine.
      const toOpen = room.isFit() ? store.openAssertions("wrong") : [];
      for (const assertion of toOpen) {
        const assertionId = String(assertion.assertionId);
        if (disputed.has(assertion.assertionId) || (openedIn.get(assertionId) ?? -1n) > headBlock) continue;
        if (rehearsed.has(assertionId)) continue;
        const onError = room.failed("opening a dispute", { assertionId });
        room.jobs.start(`open ${assertionId}`, () => open(assertion), onError);
      }
      if (room.dryRun) return;
      for (const game of live) {
        const gameId = String(game.gameId);
        room.jobs.start(`play ${gameId}`, () => play(game), room.failed("a move", { gameId }));
      }
    },
  };
}
