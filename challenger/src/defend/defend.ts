import {
  type ContractCall,
  claimTimeout,
  type DisputeParameters,
  disputeParameters,
  gameOf,
  isRevert,
  maxCapitalOf,
  reveal,
  revealBytes,
} from "@surety/chain";
import { splitItems } from "@surety/engine";
import { FatalError, itemOf, nextMove, RetryableError } from "@surety/protocol";
import { isAddressEqual } from "viem";
import type { Room } from "../service/room.ts";
import type { AssertionSeen, GameSeen } from "../store/store.ts";

/** Answers in games against right answers whose posters do not answer themselves, for those who asked for it. */
export interface ThirdPartyDefence {
  tick(): void;
}

export function createDefence(room: Room): ThirdPartyDefence {
  const { chain, addresses, store, bundles, thread, reserve, log, metrics, alerts, account, defend } = room;
  const helped = (poster: `0x${string}`) =>
    defend === "all" || defend.some((address) => isAddressEqual(address, poster));
  let terms: Promise<DisputeParameters> | undefined;
  const claimed = new Set<string>();

  async function answer(game: GameSeen, assertion: AssertionSeen): Promise<void> {
    const { gameId, assertionId } = game;
    const bundle = bundles.find(assertion.modelId);
    if (bundle === undefined) {
      throw new FatalError(
        "MODEL_MISSING",
        `Game ${gameId}: there is no bundle of model ${assertion.modelId}.`,
      );
    }
    terms ??= disputeParameters(chain, addresses);
    const [view, block, { clockSeconds, extensionSeconds }] = await Promise.all([
      gameOf(chain, addresses, gameId),
      chain.client.getBlock({ blockTag: "pending" }),
      terms,
    ]);
    const due = nextMove(view);
    const secondsLeft = view.turnEndsAt - Number(block.timestamp);
    const facts = { gameId: String(gameId), assertionId: String(assertionId), poster: assertion.poster };
    let call: ContractCall | undefined;
    if (view.turn === "challenger-timed-out") {
      // The poster is the one to gain by it: it is left the time of a turn.
      if (-secondsLeft >= extensionSeconds) call = claimTimeout(addresses, gameId);
    } else if (due?.by === "poster" && secondsLeft <= Math.max(clockSeconds / 2, extensionSeconds)) {
      if (due.kind === "commitTrace") {
        const text = `Game ${gameId} against ${assertion.poster}: nobody but the poster can commit its trace.`;
        alerts.raise("defence-impossible", "critical", text, facts);
        return;
      }
      const { dir: bundleDir, header } = bundle;
      // A game on an item of a batch is about that item's run alone.
      const input = splitItems(header.inputBytes, assertion.input)[itemOf(assertionId) ?? 0] as Uint8Array;
      const subject = { bundleDir, input };
      const key = `defence of ${gameId}`;
      if (!reserve.holds(key)) {
        const { largestTensorBytes } = await thread.ask<"open">({ kind: "open", bundleDir });
        const { poster } = await maxCapitalOf(chain, addresses, assertionId, header, largestTensorBytes);
        const taken = await reserve.take(key, { gas: poster.gas, bondWei: 0n });
        if (taken.kind === "short") {
          const text = `Defending game ${gameId} may take ${taken.neededWei} wei; ${account} has ${taken.balanceWei}, of it ${taken.heldWei} for what is under way.`;
          alerts.raise("reserve-too-low", "critical", text, facts);
          throw new RetryableError("RESERVE_TOO_LOW", text);
        }
      }
      claimed.add(key);
      const move = await thread.ask<"answer">({ kind: "answer", view, ...subject });
      if (move === undefined) {
        log.error(facts, "the poster's trace is not ours: it cannot be answered for");
        return;
      }
      call =
        move.kind === "reveal"
          ? reveal(addresses, gameId, move.node, move.children)
          : revealBytes(addresses, gameId, move.node, move.data);
    }
    if (call === undefined) return;
    try {
      const options = view.turn === "poster" ? { deadline: view.turnEndsAt } : {};
      const { transactionHash } = await room.send(call, options);
      metrics.defenceMoves.inc({ kind: call.what });
      log.info({ ...facts, what: call.what, transaction: transactionHash }, "answered for the poster");
      alerts.raise("defended", "info", `Answered for ${assertion.poster} in game ${gameId}.`, facts);
    } catch (error) {
      // The poster, or another, was faster.
      if (isRevert(error, "AlreadyRevealed", "NotYourTurn", "WrongPhase", "HashMismatch", "NoTimeout"))
        return;
      throw error;
    }
  }

  return {
    tick() {
      if (defend.length === 0) return;
      const games = store.othersGames(account);
      const live = new Set(games.map(({ gameId }) => `defence of ${gameId}`));
      for (const key of claimed) {
        if (live.has(key)) continue;
        reserve.release(key);
        claimed.delete(key);
      }
      for (const game of games) {
        const assertion = store.assertion(game.assertionId);
        if (assertion === undefined || !helped(assertion.poster)) continue;
        const key = `defend ${game.gameId}`;
        const onError = room.failed("a defence", { gameId: String(game.gameId) });
        room.jobs.start(key, () => answer(game, assertion), onError);
      }
    },
  };
}
